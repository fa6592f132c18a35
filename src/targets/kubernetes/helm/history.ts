import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { tryOutsideJson } from '../../../support/nesting.ts'
import { quoteLine } from '../../../support/quote.ts'
import { oneLine } from '../../../support/text.ts'
import { inParallel } from '../client/parallel.ts'
import { hashOf, type ManifestObject, objectsOf } from './manifest.ts'
import type { HelmName } from './owner.ts'
import type { HelmProgram } from './program.ts'

/** One line of a release's history. */
export interface HelmRecord {
  revision: number
  /** ISO 8601, UTC. */
  updated: string
  /** deployed, superseded, failed, pending-upgrade, … (helm.sh/helm/v3/pkg/release/status.go) */
  status: string
  chart: string
  appVersion: string
  description: string
}

/** What a revision consists of. */
export interface HelmContent {
  /** Of its manifest: equal for a revision and for a rollback to it. */
  hash: string
  objects: ManifestObject[]
  hooks: { name: string; events: string[] }[]
}

export interface HelmRevision extends HelmRecord {
  content: HelmContent
}

/** Reads what Helm keeps of a release, newest first. */
export interface HelmHistory {
  records(of: HelmName, signal: AbortSignal): Promise<HelmRecord[]>
  content(of: HelmName, record: HelmRecord, signal: AbortSignal): Promise<HelmContent>
  revisions(of: HelmName, signal: AbortSignal): Promise<HelmRevision[]>
}

const mostRevisions = 20
const atOnce = 4

const historySchema = z.array(
  z.looseObject({
    revision: z.number().int().positive(),
    updated: z.string(),
    status: z.string(),
    chart: z.string().default(''),
    app_version: z.string().default(''),
    description: z.string().default('')
  })
)

const border = '--- content of the release ---'
const template = `{{range .Release.Hooks}}{{.Kind}}/{{.Name}}{{range .Events}} {{.}}{{end}}{{"\\n"}}{{end}}{{"\\n"}}${border}{{"\\n"}}{{.Release.Manifest}}`

/** The content of a revision never changes, so it is read once. */
export function openHistory(program: HelmProgram, mask: Mask): HelmHistory {
  const known = new Map<string, Promise<HelmContent>>()

  async function records({ name, namespace }: HelmName, signal: AbortSignal): Promise<HelmRecord[]> {
    const doing = `Reading the history of Helm's release ${name}`
    const answer = await program.call(['history', name, '-o', 'json', '--max', String(mostRevisions)], {
      doing,
      namespace,
      signal
    })
    const parsed = historySchema.safeParse(tryOutsideJson(answer))
    if (!parsed.success || parsed.data.length === 0) throw badAnswer(doing)
    return parsed.data
      .map(({ app_version: appVersion, updated, status, chart, revision, description }) => ({
        revision,
        updated: new Date(updated).toISOString(),
        status,
        chart: oneLine(chart, 100),
        appVersion: oneLine(appVersion, 100),
        description: quoteLine(mask, description, 200)
      }))
      .sort((a, b) => b.revision - a.revision)
  }

  async function read({ name, namespace }: HelmName, revision: number, signal: AbortSignal): Promise<HelmContent> {
    const doing = `Reading revision ${revision} of Helm's release ${name}`
    const args = ['get', 'all', name, '--revision', String(revision), '--template', template]
    const answer = await program.call(args, { doing, namespace, signal })
    const at = answer.indexOf(`\n${border}\n`)
    if (at < 0) throw badAnswer(doing)
    const manifest = answer.slice(at + border.length + 2)
    return {
      hash: hashOf(manifest),
      objects: await objectsOf(manifest, namespace, mask),
      hooks: answer
        .slice(0, at)
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const [hook = '', ...events] = line.split(' ')
          return { name: oneLine(hook, 100), events }
        })
    }
  }

  function content(of: HelmName, { revision, updated }: HelmRecord, signal: AbortSignal): Promise<HelmContent> {
    const key = `${of.namespace}/${of.name}@${revision} ${updated}`
    const reading = known.get(key) ?? read(of, revision, signal)
    known.set(key, reading)
    reading.catch(() => known.delete(key))
    return reading
  }

  return {
    records,
    content,
    async revisions(of, signal) {
      const all = await records(of, signal)
      return inParallel(all, atOnce, async (record) => ({ ...record, content: await content(of, record, signal) }))
    }
  }
}

/** An operation that has not finished, or whose program died (pending-install, -upgrade, -rollback). */
export const isPending = ({ status }: Pick<HelmRecord, 'status'>): boolean => status.startsWith('pending-')

/** Helm accepted it, then or now; that does not mean that its pods served. */
export const isAccepted = ({ status }: Pick<HelmRecord, 'status'>): boolean =>
  status === 'deployed' || status === 'superseded'

export const isRollbackHook = ({ events }: { events: readonly string[] }): boolean =>
  events.some((event) => event === 'pre-rollback' || event === 'post-rollback')

export const hasRollbackHooks = ({ hooks }: HelmContent): boolean => hooks.some(isRollbackHook)

const badAnswer = (doing: string): TargetError =>
  new TargetError({
    what: `${doing} failed`,
    why: "helm's answer has an unknown form",
    next: 'Use Helm 3.5 or later, and check what "helm history" prints.',
    code: 'bad_answer'
  })
