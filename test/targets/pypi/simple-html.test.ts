import { expect, test } from 'vitest'
import { versionOfFile } from '../../../src/targets/pypi/names.ts'
import { projectFromHtml } from '../../../src/targets/pypi/simple-html.ts'
import { groupVersions } from '../../../src/targets/pypi/versions.ts'

const page = 'https://index.example.com/simple/x/'

test('a page of the Simple API is read with its quotes, entities and bare signs within them', () => {
  const html = `<a data-yanked="it's <b>bad</b>" data-requires-python='>=3.8,<4' href="../f/x-1.0.zip#sha256=AB12">x-1.0.zip</a>`
  expect(projectFromHtml(html, page, 'x')?.files).toEqual([
    {
      filename: 'x-1.0.zip',
      url: 'https://index.example.com/simple/f/x-1.0.zip',
      hashes: { sha256: 'ab12' },
      yanked: "it's <b>bad</b>",
      'requires-python': '>=3.8,<4'
    }
  ])
})

test.each(['<a ', '<a "', `<a "'`, '<a x="', '<a >', '<a href ', '<a <'])(
  'a page of megabytes of %j is read in time',
  (unit) => {
    expect(projectFromHtml(unit.repeat((2 * 1024 * 1024) / unit.length), page, 'x')?.files).toEqual([])
  }
)

test('a name of megabytes and a version of many files are read in time', () => {
  expect(versionOfFile(`${'x-'.repeat(2 * 1024 * 1024)}.zip`, 'x')).toBeNull()
  const files = Array.from({ length: 30_000 }, (_, at) => ({
    filename: `x-1.0-${at}-py3-none-any.whl`,
    url: `f/${at}`
  }))
  expect(groupVersions({ name: 'x', files }, 'x', page).versions[0]?.files).toHaveLength(files.length)
})
