import { defineTarget } from '../define-target.ts'
import { configSchema } from './config.ts'
import { discoverDocker } from './discover.ts'
import { versionPattern } from './objects/reference.ts'

/** What runs on a Docker engine: containers, Compose services, services of a swarm. */
export default defineTarget({
  label: 'Docker',
  holds: 'traffic',
  goesBackBy: 'replacing containers with ones from the earlier image; Compose and Swarm services too',
  needs: 'access to the Docker engine',
  hosts: ['registry-1.docker.io', 'auth.docker.io'],
  deployTools: {
    commands: [
      'docker compose up',
      'docker-compose up',
      'docker stack deploy',
      'docker service update',
      'kamal deploy',
      'kamal redeploy',
      'kamal setup'
    ],
    weakCommands: ['docker run'],
    options: {
      'docker docker-compose':
        '-c --context -H --host --config -l --log-level --tlscacert --tlscert --tlskey -f --file -p --project-name --profile --env-file --project-directory --parallel --progress --ansi',
      kamal: '-d --destination -c --config-file -r --roles -h --hosts --version'
    },
    failure: {
      own: /^[ \t]*(Error response from daemon|Error:|ERROR:|failed to (solve|create|start))|dependency failed to start|is unhealthy\b|manifest unknown|pull access denied|port is already allocated/m,
      anywhere:
        /^[ \t]*(target \S+: )?failed to solve: |dependency failed to start: |^[ \t]*container \S+ is unhealthy$|pull access denied for |port is already allocated$/m
    }
  },
  configSchema,
  version: { pattern: versionPattern, says: 'an image tag such as 1.4.2, or a digest such as sha256:4f53…' },
  canRehearse: true,
  canRestoreConfig: true,
  discover: discoverDocker,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
