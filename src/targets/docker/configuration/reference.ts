import { z } from 'zod'
import { shellWord } from '../../../support/shell-word.ts'

const repositoryPath = z
  .string()
  .max(1000)
  .regex(/^\P{Cc}*$/u)

/** Where the configuration of a commit is found; paths are from the top of the repository. */
export const commitReferenceSchema = z.object({
  commit: z.string().regex(/^[0-9a-f]{40,64}$/),
  files: z.array(repositoryPath).min(1).max(20),
  env_files: z.array(repositoryPath).max(20),
  working_dir: repositoryPath,
  project: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
  service: z.string().regex(/^[a-zA-Z0-9._-]+$/)
})

/** Where the earlier configuration of a container is found; never what it says. */
export const configurationReferenceSchema = z.union([
  commitReferenceSchema,
  z.object({ earlier: z.string().regex(/^[a-f0-9]{64}$/) })
])

export type CommitReference = z.infer<typeof commitReferenceSchema>
export type ConfigurationReference = z.infer<typeof configurationReferenceSchema>

/** What a person has to change, so that the next deployment does not bring the configuration back that was left. */
export const whereItIsWritten = (name: string, reference: ConfigurationReference): string =>
  'commit' in reference
    ? `${name} has the environment and command of ${sourceName(reference)}, and ${reference.files.join(', ')} still the other one. Correct it before the next docker compose up: git diff ${reference.commit.slice(0, 7)} -- ${[...reference.files, ...reference.env_files].map(shellWord).join(' ')} shows what has changed.`
    : `${name} has the environment and command of ${sourceName(reference)}. Correct the command or script that starts it before the next deployment.`

/** "commit 2f204d2", "the stopped container 5f3a9c1b2d4e". */
export const sourceName = (reference: ConfigurationReference): string =>
  'commit' in reference
    ? `commit ${reference.commit.slice(0, 7)}`
    : `the stopped container ${reference.earlier.slice(0, 12)}`
