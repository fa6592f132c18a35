import { defineTarget } from '../define-target.ts'
import { configSchema } from './config.ts'
import { discoverKubernetes } from './discover.ts'
import { versionPattern } from './objects/image-name.ts'

/** Deployments, StatefulSets, DaemonSets and Rollouts of one cluster. */
export default defineTarget({
  label: 'Kubernetes',
  holds: 'traffic',
  goesBackBy: 'restoring the earlier pod template, by `helm rollback`, or by Argo Rollouts',
  needs: 'a kubeconfig, rights on the workloads; `helm` for Helm releases',
  hosts: [],
  deployTools: {
    commands: [
      'kubectl rollout status',
      'kubectl rollout restart',
      'kubectl set image',
      'kubectl apply',
      'helm upgrade',
      'helm install'
    ],
    options: {
      'kubectl helm':
        '-n --namespace --context --kube-context --kubeconfig --cluster --user --token --kube-token -s --server --kube-apiserver --as --as-group --kube-as-user --request-timeout --cache-dir --certificate-authority --client-certificate --client-key --tls-server-name -v'
    },
    failure: {
      own: /^(error:|Error from server|Error:)|(UPGRADE|INSTALLATION) FAILED|exceeded its progress deadline|timed out waiting|(ImagePull|CrashLoop)BackOff/m,
      anywhere:
        /^Error: (UPGRADE|INSTALLATION) FAILED|^error: (deployment|daemonset|statefulset)\b.* exceeded its progress deadline|^error: timed out waiting for the condition/m
    }
  },
  configSchema,
  canRehearse: true,
  version: { pattern: versionPattern, says: 'an image tag such as 1.4.2, or a revision such as revision-7' },
  discover: discoverKubernetes,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
