import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'

const usersSchema = z.looseObject({
  users: z
    .array(z.looseObject({ name: z.string(), user: z.looseObject({ tokenFile: z.string().nullish() }).nullish() }))
    .nullish()
})

/** The file that a kubeconfig's user takes its token from (`tokenFile`; kubernetes.io, "kubeconfig (v1)"), which the client leaves out. */
export async function tokenFileOf(user: string, files: readonly string[]): Promise<string | undefined> {
  const { parse } = await import('yaml')
  for (const file of files) {
    const { data } = usersSchema.safeParse(parse(await readFile(file, 'utf8')))
    const found = data?.users?.find(({ name }) => name === user)
    if (found) return found.user?.tokenFile ? resolve(dirname(file), found.user.tokenFile) : undefined
  }
  return undefined
}
