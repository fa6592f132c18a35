import { statfs } from 'node:fs/promises'
import type { DeploymentRecord } from '../../../../model/deployment-record.ts'
import type { Blocker, Risk } from '../../../../model/observation.ts'
import type { Release } from '../../../../model/release.ts'
import type { DockerContext } from '../../context.ts'
import { parseReference, splitRepository } from '../../objects/reference.ts'
import type { Image, Info } from '../../objects/schemas.ts'
import { identitiesOf } from '../../objects/version.ts'
import { type Login, loginFor, loginRiskId } from '../../registry/credentials.ts'
import { type Lookup, lookUp } from '../../registry/lookup.ts'
import { type Refusal, type Refused, refusalOf } from '../../registry/refusal.ts'
import { recordedDigest } from '../observe/local-releases.ts'
import { releaseDetailsSchema } from '../observe/releases.ts'
import { namingRisks } from './naming-risks.ts'

/** The image to go back to, as it can be had now. */
export interface CandidateImage {
  /** Exact: an image id, or `repository@digest`. */
  exact: string
  shown: string | null
  /** Set when the engine has it. */
  image: Image | null
  platform: string | null
  blockers: Blocker[]
  risks: Risk[]
  notes: string[]
  /** Set where the engine must get a login for it, and only deploy.json names the engine. */
  loginRisk: Risk | null
}

/** The release's image, where the engine has it. */
export const localImage = (
  { engine }: DockerContext,
  { details }: Release,
  signal: AbortSignal
): Promise<Image | null> => engine.images.inspect(releaseDetailsSchema.parse(details).reference, signal)

/** Checks that the release's image exists, is the recorded one, and fits the engine, on which images of `running` do run. */
export async function findCandidate(
  docker: DockerContext,
  release: Release,
  history: readonly DeploymentRecord[],
  signal: AbortSignal,
  running: readonly Image[] = [],
  found?: Image | null
): Promise<CandidateImage> {
  const { engine } = docker
  const image = found === undefined ? await localImage(docker, release, signal) : found
  const details = releaseDetailsSchema.parse(release.details)
  const repository = parseReference(details.shown ?? details.reference)?.repository
  const login = repository ? await loginFor(splitRepository(repository).registry, docker, signal) : { registry: '' }
  const [byTag, exact, host] = await Promise.all([
    details.shown ? lookUp(docker, details.shown, login, signal) : null,
    image || !details.reference.includes('@') ? null : lookUp(docker, details.reference, login, signal),
    engine.facts(signal)
  ])
  const known = new Set([...details.identities, ...(image ? identitiesOf(image) : [])])
  const notes: string[] = []
  if (login.trouble) notes.push(login.trouble)
  if (image && byTag && (byTag.state === 'denied' || byTag.state === 'unreachable' || byTag.state === 'rate_limited'))
    notes.push(`The registry did not answer about ${details.shown} (${byTag.reason}); the engine has the image.`)
  return {
    exact: details.reference,
    shown: details.shown,
    image,
    platform: image ? `${image.Os}/${image.Architecture}` : null,
    blockers: [
      ...(image
        ? []
        : await missingBlockers(release, exact ?? byTag, details.reference, (refused) =>
            refusalOf(docker, login, refused, signal)
          )),
      ...(image ? [] : await spaceBlockers(engine.address, host.DockerRootDir)),
      ...platformBlockers(release, image, exact ?? byTag, { host, running })
    ],
    risks: [
      ...digestRisks(release, {
        known,
        byTag,
        recorded: recordedDigest(history, release.version),
        local: image !== null,
        tagged: details.shown !== null
      }),
      ...namingRisks(release, details)
    ],
    notes,
    loginRisk: [exact, byTag].some((found) => found?.state === 'there' && found.needsLogin)
      ? loginRisk(engine, login)
      : null
  }
}

const loginRisk = ({ address }: DockerContext['engine'], login: Login): Risk => ({
  id: loginRiskId(login),
  serious: true,
  title: `The engine needs your login for ${login.registry}`,
  detail: `The registry gives the image to nobody without a login. Accepting sends the login ${login.from} for ${login.registry} to the engine at ${address}, which only deploy.json names.`
})

async function missingBlockers(
  { version, available }: Release,
  found: Lookup | null,
  reference: string,
  explain: (refused: Refused) => Promise<Refusal>
): Promise<Blocker[]> {
  if (found?.state === 'there' && reference.includes('@')) return []
  const refused =
    found && found.state !== 'there'
      ? found
      : { state: 'gone' as const, reason: available.reason ?? 'it was not found' }
  const { why, next } = await explain({ ...refused, reference })
  return [
    {
      id: `image_${refused.state}:${version}`,
      what: `The image of ${version} is not available`,
      why: `${reference} is not on the engine, and ${why}`,
      next
    }
  ]
}

const leastSpaceBytes = 64 * 1024 * 1024

/** A pull needs space where the engine keeps its images; only an engine of this machine can be looked at. */
async function spaceBlockers(address: string, folder: string | undefined): Promise<Blocker[]> {
  if (!folder || !address.startsWith('unix:')) return []
  const stats = await statfs(folder).catch(() => null)
  const free = stats ? stats.bavail * stats.bsize : null
  if (free === null || free >= leastSpaceBytes) return []
  return [
    {
      id: 'disk_full',
      what: 'There is not enough space to pull the image',
      why: `${folder} has ${Math.floor(free / 1048576)} MiB left`,
      next: 'Free space there (docker image prune), then assess again.'
    }
  ]
}

function platformBlockers(
  release: Release,
  image: Image | null,
  found: Lookup | null,
  { host, running }: { host: Info; running: readonly Image[] }
): Blocker[] {
  const offered = image
    ? [{ os: image.Os ?? '', architecture: image.Architecture ?? '' }]
    : found?.state === 'there'
      ? found.platforms.filter(({ os }) => os !== '' && os !== 'unknown')
      : []
  const wanted = {
    os: host.OSType ?? '',
    architecture: machineNames[host.Architecture ?? ''] ?? host.Architecture ?? ''
  }
  /** An engine may run foreign programs, too (binfmt_misc); what runs now proves which. */
  const emulated = new Set(running.map(({ Os, Architecture }) => `${Os}/${Architecture}`))
  const fits = offered.some(
    ({ os, architecture }) =>
      (os === wanted.os && (architecture === wanted.architecture || !architecture)) ||
      emulated.has(`${os}/${architecture}`)
  )
  if (offered.length === 0 || fits || !wanted.os || !wanted.architecture) return []
  const names = offered.map(({ os, architecture }) => `${os}/${architecture}`).join(', ')
  return [
    {
      id: `platform:${release.version}`,
      what: `The image of ${release.version} does not run on this engine`,
      why: `it was built for ${names}, and the engine is ${wanted.os}/${wanted.architecture}`,
      next: 'Choose a version that was built for this platform.'
    }
  ]
}

/** What uname calls a machine, as images call it (opencontainers/image-spec, GOARCH). */
const machineNames: Record<string, string> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  armv6l: 'arm',
  i686: '386',
  i386: '386',
  ppc64le: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64'
}

interface DigestFacts {
  known: ReadonlySet<string>
  byTag: Lookup | null
  recorded: string | undefined
  local: boolean
  /** The release is known by a tag. */
  tagged: boolean
}

function digestRisks({ version }: Release, { known, byTag, recorded, local, tagged }: DigestFacts): Risk[] {
  const tagNow = byTag?.state === 'there' ? byTag.digest : null
  const isRecorded = recorded !== undefined && known.has(recorded)
  if (recorded && !isRecorded)
    return [
      {
        id: `digest_moved:${version}`,
        serious: true,
        title: `${version} is not the image that served under this version`,
        detail: `The history recorded ${recorded}, which no longer exists; the tag means ${tagNow ?? [...known].join(' or ')} now.`
      }
    ]
  if (tagNow && !known.has(tagNow))
    return [
      {
        id: `digest_moved:${version}`,
        serious: !isRecorded,
        title: `The tag ${version} was pushed again with another image`,
        detail: isRecorded
          ? `The rollback uses the recorded ${recorded}; a deployment by tag gets ${tagNow}.`
          : `${local ? 'The engine' : 'The plan'} has ${[...known].join(' or ')}, the registry ${tagNow}, and the history does not say which one served.`
      }
    ]
  if (!recorded && tagged)
    return [
      {
        id: `digest_unrecorded:${version}`,
        serious: false,
        title: `The history does not record which image ${version} was when it served`,
        detail: 'The rollback uses the image that has the tag now.'
      }
    ]
  return []
}
