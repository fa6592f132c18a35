// Written by `npm run generate` from the definitions in src/targets.
import type { DeployTools } from '../model/deploy-tools.ts'

export const deployTools: Record<string, DeployTools> = {
  "docker": {
    "commands": ["docker compose up","docker-compose up","docker stack deploy","docker service update","kamal deploy","kamal redeploy","kamal setup"],
    "weakCommands": ["docker run"],
    "options": {
      "docker docker-compose": "-c --context -H --host --config -l --log-level --tlscacert --tlscert --tlskey -f --file -p --project-name --profile --env-file --project-directory --parallel --progress --ansi",
      "kamal": "-d --destination -c --config-file -r --roles -h --hosts --version"
    },
    "failure": {
      "own": /^[ \t]*(Error response from daemon|Error:|ERROR:|failed to (solve|create|start))|dependency failed to start|is unhealthy\b|manifest unknown|pull access denied|port is already allocated/m,
      "anywhere": /^[ \t]*(target \S+: )?failed to solve: |dependency failed to start: |^[ \t]*container \S+ is unhealthy$|pull access denied for |port is already allocated$/m
    }
  },
  "npm": {
    "commands": ["yarn npm publish","npm publish","pnpm publish","yarn publish","bun publish","lerna publish","changeset publish"],
    "options": {
      "npm pnpm yarn bun lerna changeset": "--prefix -w --workspace -C --dir -F --filter --cwd --registry --tag --otp --access --userconfig --loglevel"
    },
    "failure": {
      "own": /^[ \t]{0,16}npm (ERR!|error)\s|ERR_PNPM|^[ \t]{0,16}error Couldn't publish/m,
      "anywhere": /^npm (ERR!|error) (code E(PUBLISHCONFLICT|PRIVATE|NEEDAUTH|OTP)\b|[45]\d\d .{0,300} - PUT )|error Couldn't publish|ERR_PNPM_(GIT|PUBLISH|REGISTRY)/m
    }
  },
  "github_releases": {
    "commands": ["gh release create","gh release edit","gh release upload"],
    "options": {
      "gh": "-R --repo --hostname"
    },
    "failure": {
      "own": /^HTTP [45]\d\d\b|^(failed to|error) |\brelease not found$/im,
      "anywhere": /^HTTP [45]\d\d: .{0,300}\/releases\b|^release not found$/m
    }
  },
  "kubernetes": {
    "commands": ["kubectl rollout status","kubectl rollout restart","kubectl set image","kubectl apply","helm upgrade","helm install"],
    "options": {
      "kubectl helm": "-n --namespace --context --kube-context --kubeconfig --cluster --user --token --kube-token -s --server --kube-apiserver --as --as-group --kube-as-user --request-timeout --cache-dir --certificate-authority --client-certificate --client-key --tls-server-name -v"
    },
    "failure": {
      "own": /^(error:|Error from server|Error:)|(UPGRADE|INSTALLATION) FAILED|exceeded its progress deadline|timed out waiting|(ImagePull|CrashLoop)BackOff/m,
      "anywhere": /^Error: (UPGRADE|INSTALLATION) FAILED|^error: (deployment|daemonset|statefulset)\b.* exceeded its progress deadline|^error: timed out waiting for the condition/m
    }
  },
  "pypi": {
    "commands": ["twine upload","uv publish","poetry publish","hatch publish","flit publish","pdm publish"],
    "options": {
      "uv poetry hatch flit pdm": "-C --directory -P -p --project --config-file -e --env"
    },
    "failure": {
      "own": /^(ERROR|error)\b|HTTPError: [45]\d\d/m,
      "anywhere": /HTTPError: [45]\d\d .{0,300}(legacy|upload|pypi)/m
    }
  },
  "netlify": {
    "commands": ["netlify deploy"],
    "aliases": {
      "ntl": "netlify",
      "netlify-cli": "netlify"
    },
    "options": {
      "netlify": "--auth -s --site --filter --cwd"
    },
    "failure": {
      "own": /^[ \t]*(›\s+)?(Error:|✖)/m,
      "anywhere": /^[ \t]*›\s+Error: /m
    }
  },
  "vercel": {
    "commands": ["vercel","vercel deploy","vercel promote","vercel redeploy"],
    "aliases": {
      "vc": "vercel"
    },
    "options": {
      "vercel": "-t --token -S --scope -T --team -A --local-config -Q --global-config --cwd -e --env -b --build-env -m --meta --target --regions -n --name"
    },
    "failure": {
      "own": /^[ \t]*(Error:|Error!|▲ ERROR)/m,
      "anywhere": /^[ \t]*▲ ERROR/m
    }
  }
}
