import { join } from 'node:path'
import { readText } from '../../support/read-text.ts'
import { oneLine } from '../../support/text.ts'

/** What a project's own npmrc says, as far as a project may say it. */
export interface ProjectNpmrc {
  /** By `registry` and `@scope:registry`: addresses, without anything of the environment in them. */
  registries: Record<string, string>
  /** The names of settings that would matter and are ignored. */
  ignored: string[]
}

const registryKey = /^(@[^:/\s]+:)?registry$/
const wouldMatter =
  /(_authToken|_auth|_password|username|certfile|keyfile)$|^(always-auth|proxy|https-proxy|noproxy|ca|cafile|strict-ssl|cert|key|otp)(\[\])?$/

/**
 * Reads the npmrc of the project. Anyone who sends a repository writes this file, so it may name registries and nothing else:
 * variables in it are not expanded, and logins, proxies and certificates are not taken.
 */
export async function readProjectNpmrc(projectDir: string): Promise<ProjectNpmrc> {
  const text = await readText(join(projectDir, '.npmrc'), 1024 * 1024).catch(() => '')
  const registries: Record<string, string> = {}
  const ignored: string[] = []
  for (const [key, value] of settingsIn(text))
    if (registryKey.test(key) && isAddress(value)) registries[key] = value
    else if (registryKey.test(key) || wouldMatter.test(key)) ignored.push(oneLine(key, 80))
  return { registries, ignored: [...new Set(ignored)] }
}

/** The pairs of an npmrc, in the form of https://docs.npmjs.com/cli/configuring-npm/npmrc. */
function* settingsIn(text: string): Generator<[string, string]> {
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf('=')
    const key = line.slice(0, at).trim()
    if (at > 0 && !/^[;#]/.test(key))
      yield [
        key,
        line
          .slice(at + 1)
          .trim()
          .replace(/^(["'])(.*)\1$/, '$2')
      ]
  }
}

const isAddress = (value: string): boolean =>
  !value.includes('$') && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
