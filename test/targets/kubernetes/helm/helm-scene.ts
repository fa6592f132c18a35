import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import type { Cluster } from '../../../../testkit/kubernetes/cluster.ts'
import { useCluster } from '../use-cluster.ts'

const run = promisify(execFile)

const workload = `apiVersion: apps/v1
kind: {{ .Values.kind }}
metadata:
  name: {{ .Release.Name }}
  labels: {app: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  {{ if eq .Values.kind "StatefulSet" }}serviceName: {{ .Release.Name }}{{ end }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      {{ if .Values.restart }}annotations: {rollme: {{ .Values.restart }}}{{ end }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: {{ .Values.image | quote }}
          imagePullPolicy: IfNotPresent
          env: [{name: API_PASSWORD, valueFrom: {secretKeyRef: {name: {{ .Release.Name }}, key: password}}}]
          readinessProbe: {httpGet: {path: /health, port: 8080}, initialDelaySeconds: {{ .Values.delay }}, periodSeconds: 1}
`
const secret = `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: {{ .Values.password }}
`
const extra = `{{ if .Values.extra }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-extra
data: {a: b}
{{ end }}
`
const companion = `{{ if .Values.companion }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-slow
spec:
  replicas: 1
  selector:
    matchLabels: {app: {{ .Release.Name }}-slow}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}-slow}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: {{ .Values.image | quote }}
          imagePullPolicy: IfNotPresent
          readinessProbe: {httpGet: {path: /health, port: 8080}, initialDelaySeconds: 15, periodSeconds: 1}
{{ end }}
`
const hook = `{{ if .Values.hook }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: pre-rollback}
data: {a: b}
{{ end }}
`

/** A chart of the test service, and the real helm with it, in one namespace. */
export interface Chart {
  helm(...args: string[]): Promise<string>
  /** Installs or upgrades with these values. */
  deploy(release: string, values: Record<string, string>, ...more: string[]): Promise<string>
  /** The same, left running, to be killed in the middle. */
  begin(release: string, values: Record<string, string>, ...more: string[]): ChildProcess
  /** Arguments that add this object to the chart. */
  having(object: JsonObject): Promise<string[]>
  history(release: string): Promise<Answer[]>
  remove(): Promise<void>
}

export async function createChart({ namespace, kubeconfig }: Cluster, folder: string): Promise<Chart> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-chart-'))
  await mkdir(join(dir, 'templates'))
  const files: Record<string, string> = {
    'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: "9.9.9"\n',
    'values.yaml':
      'kind: Deployment\nimage: ""\nreplicas: 2\ndelay: 0\npassword: hunter2-of-the-chart\nextra: ""\nhook: ""\ncompanion: ""\nobject: ""\nrestart: ""\n',
    'templates/workload.yaml': workload,
    'templates/secret.yaml': secret,
    'templates/extra.yaml': extra,
    'templates/object.yaml': '{{ .Values.object }}',
    'templates/hook.yaml': hook,
    'templates/companion.yaml': companion
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  const program = join(folder, 'helm')
  const reach = ['--kubeconfig', kubeconfig, '--namespace', namespace]
  const helm = async (...args: string[]): Promise<string> =>
    (await run(program, [...args, ...reach], { maxBuffer: 1 << 26 })).stdout.trim()
  const words = (release: string, values: Record<string, string>, more: string[]): string[] => [
    ...['upgrade', '--install', release, dir],
    ...Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ...more
  ]
  return {
    helm,
    deploy: (release, values, ...more) => helm(...words(release, values, more)),
    begin: (release, values, ...more) =>
      spawn(program, [...words(release, values, more), ...reach], { stdio: 'ignore' }),
    async having(object) {
      const file = join(dir, `object-${randomBytes(4).toString('hex')}`)
      await writeFile(file, JSON.stringify(object))
      return ['--set-file', `object=${file}`]
    },
    history: async (release) => JSON.parse(await helm('history', release, '-o', 'json')) as Answer[],
    remove: () => rm(dir, { recursive: true, force: true })
  }
}

/** A cluster scene with a chart, and the environment in which the helm program is on PATH. */
export function useChart(backend: Record<string, string>) {
  const scene = useCluster(backend)
  const folder = backend.folder ?? ''
  let chart: Chart
  beforeAll(async () => {
    chart = await createChart(scene.cluster, folder)
  })
  afterAll(() => chart.remove())
  return { ...scene, chart: () => chart, withHelm: { PATH: `${folder}${delimiter}${process.env.PATH}` } }
}
