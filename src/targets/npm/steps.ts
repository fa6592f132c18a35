import { z } from 'zod'
import type { Step } from '../../model/step.ts'
import type { NpmSettings } from './settings.ts'

export const setTagParams = z.object({
  package: z.string(),
  registry: z.string(),
  tag: z.string(),
  /** null when the tag did not exist. */
  from: z.string().nullable(),
  to: z.string()
})

export const deprecateParams = z.object({
  package: z.string(),
  registry: z.string(),
  version: z.string(),
  message: z.string(),
  /** The message before, '' when the version was not deprecated. */
  former: z.string(),
  /** The tag that must no longer point at the version when the document is sent back, for the document carries the tags, too. */
  tag: z.string()
})

export type SetTag = z.infer<typeof setTagParams>
export type Deprecate = z.infer<typeof deprecateParams>

/** Points the tag at the candidate: the switch. */
export function setTagStep(
  { name, registry, tag }: NpmSettings,
  from: string | null,
  to: string,
  alsoTagged: string[]
): Step {
  const params: SetTag = { package: name, registry, tag, from, to }
  return {
    id: `set-tag:${tag}`,
    kind: 'set-tag',
    phase: 'switch',
    title: `Pointing ${tag} to ${to}`,
    params,
    undo: from ? `point ${tag} back to ${from}` : `remove the tag ${tag}`,
    manualCommands: [
      addTag(params, to, tag),
      ...alsoTagged.map((other) => `${addTag(params, to, other)}   # if ${other} shall not keep ${from}`)
    ],
    manualUndoCommands: [from ? addTag(params, from, tag) : `npm dist-tag rm ${name} ${tag} --registry=${registry}`]
  }
}

/** Marks the failed version, so that ranges pass it by and whoever has it pinned is told: cleanup. */
export function deprecateStep(settings: NpmSettings, version: string, candidate: string, former: string): Step {
  const { name, registry, tag } = settings
  const message = deprecationMessage(name, version, candidate, former)
  const params: Deprecate = { package: name, registry, version, message, former, tag }
  return {
    id: `deprecate:${version}`,
    kind: 'deprecate',
    phase: 'cleanup',
    title: `Deprecating ${version}`,
    params,
    undo: former ? 'restore the former deprecation message' : `take the deprecation of ${version} away`,
    manualCommands: [deprecate(params, message)],
    manualUndoCommands: [deprecate(params, former)]
  }
}

const deprecationMessage = (name: string, version: string, candidate: string, former: string): string => {
  const ours = `${version} was rolled back; use ${name}@${candidate} instead.`
  return former && !former.includes(ours) ? `${former} (${ours})` : former || ours
}

const addTag = (params: SetTag, version: string, tag: string): string =>
  `npm dist-tag add ${params.package}@${version} ${tag} --registry=${params.registry}`

const deprecate = (params: Deprecate, message: string): string =>
  `npm deprecate ${params.package}@${params.version} ${shellQuoted(message)} --registry=${params.registry}`

/** For a person's POSIX shell; this program itself runs none. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
