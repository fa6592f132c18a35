import { describe, expect, test } from 'vitest'
import { deployCommandIn } from '../../src/hooks/deploy-command.ts'

const deployments: [line: string, label: string, type: string][] = [
  ['docker compose up -d', 'docker compose up', 'docker'],
  ['docker --context prod compose -f compose.prod.yaml up -d --wait', 'docker compose up', 'docker'],
  ['docker-compose up', 'docker-compose up', 'docker'],
  ['docker stack deploy -c stack.yml shop', 'docker stack deploy', 'docker'],
  ['sudo -E docker run -d --name web web:1.2.0', 'docker run', 'docker'],
  ['kubectl apply -f k8s/', 'kubectl apply', 'kubernetes'],
  ['kubectl -n prod set image deploy/web web=web:1.2.0', 'kubectl set image', 'kubernetes'],
  ['timeout 90s kubectl rollout status deploy/web', 'kubectl rollout status', 'kubernetes'],
  ['helm upgrade --install web ./chart', 'helm upgrade', 'kubernetes'],
  ['npm publish --access public', 'npm publish', 'npm'],
  ['NODE_ENV=production pnpm publish', 'pnpm publish', 'npm'],
  ['yarn npm publish', 'yarn npm publish', 'npm'],
  ['npx vercel@latest --prod', 'vercel', 'vercel'],
  ['vercel deploy --token abc', 'vercel', 'vercel'],
  ['netlify deploy --prod', 'netlify deploy', 'netlify'],
  ['gh release create v1.2.0 dist/*', 'gh release create', 'github_releases'],
  ['bundle exec kamal deploy', 'kamal deploy', 'docker'],
  ['python -m twine upload dist/*', 'twine upload', 'pypi'],
  ['python scripts/execute_deployment.py --target docker', 'execute_deployment.py', 'docker'],
  ['bash -c "cd app && docker compose up -d"', 'docker compose up', 'docker'],
  ['cd app && npm ci && npm publish', 'npm publish', 'npm'],
  ['cat > note <<EOF\nhello\nEOF\nnpm publish', 'npm publish', 'npm'],
  ['cat <<EOF | kubectl apply -f -\nkind: Pod\nEOF', 'kubectl apply', 'kubernetes'],
  ['kubectl apply -f - <<EOF\nkind: Pod\nEOF', 'kubectl apply', 'kubernetes'],
  ['if ! docker compose up -d; then exit 1; fi', 'docker compose up', 'docker'],
  ['for f in *.yaml; do kubectl apply -f "$f"; done', 'kubectl apply', 'kubernetes'],
  ['while ! kubectl rollout status deploy/web; do sleep 5; done', 'kubectl rollout status', 'kubernetes'],
  ['OUT=$(docker compose up -d 2>&1)', 'docker compose up', 'docker'],
  ['echo "$(npm publish)"', 'npm publish', 'npm'],
  ['deploy() { docker compose up -d; }; deploy', 'docker compose up', 'docker'],
  ['(cd app && { npm publish; })', 'npm publish', 'npm'],
  ['case $1 in prod) helm upgrade web ./chart;; esac', 'helm upgrade', 'kubernetes'],
  ['sudo -u deploy docker compose up -d', 'docker compose up', 'docker'],
  ['sudo --user deploy env -u A B=c nice -n 5 docker compose up -d', 'docker compose up', 'docker'],
  ['npx -y netlify-cli deploy --prod', 'netlify deploy', 'netlify'],
  ['npx -p netlify-cli netlify deploy --prod', 'netlify deploy', 'netlify'],
  ['pnpm dlx vercel@latest --prod', 'vercel', 'vercel'],
  ['bunx vercel deploy', 'vercel', 'vercel'],
  ['vercel --token $T --prod', 'vercel', 'vercel'],
  ['vercel --scope team deploy', 'vercel', 'vercel'],
  ['kamal -d staging deploy', 'kamal deploy', 'docker'],
  ['docker.exe compose up -d', 'docker compose up', 'docker'],
  ['/usr/local/bin/docker compose up -d', 'docker compose up', 'docker'],
  ['doppler run -- docker compose up -d', 'docker compose up', 'docker'],
  ['doppler run --project shop --config prd -- docker compose up -d', 'docker compose up', 'docker'],
  ['doppler run --command "docker compose up -d"', 'docker compose up', 'docker'],
  ['op run --env-file .env -- kamal deploy', 'kamal deploy', 'docker'],
  ['aws-vault exec prod -- helm upgrade web ./chart', 'helm upgrade', 'kubernetes'],
  ['timeout -s KILL 5m docker stack deploy -c s.yml shop', 'docker stack deploy', 'docker'],
  ['time -p docker compose up -d', 'docker compose up', 'docker'],
  ['ls *.yaml | xargs -n 1 kubectl apply -f', 'kubectl apply', 'kubernetes'],
  ["ssh -i key deploy@prod 'cd shop && docker compose up -d'", 'docker compose up', 'docker'],
  ['eval "docker compose up -d"', 'docker compose up', 'docker'],
  ['helm -n shop upgrade web ./chart --version 1.2.3', 'helm upgrade', 'kubernetes'],
  ['kubectl apply -f x --dry-run=none', 'kubectl apply', 'kubernetes'],
  ['npm --prefix app publish', 'npm publish', 'npm'],
  ['pnpm --filter web publish', 'pnpm publish', 'npm'],
  ['uv run --with x python scripts/execute_deployment.py --target docker', 'execute_deployment.py', 'docker'],
  ['./scripts/execute_deployment.py --target docker', 'execute_deployment.py', 'docker'],
  ['docker run --rm alpine true && docker compose up -d', 'docker compose up', 'docker']
]

const others = [
  'docker compose logs web',
  'docker ps',
  'echo "docker compose up"',
  'git commit -m "npm publish; docker compose up"',
  'kubectl get pods',
  'kubectl apply -f x --dry-run=server',
  'npm publish --dry-run',
  'npm run build',
  'helm template web ./chart',
  'vercel env ls',
  'vercel dev',
  'netlify dev',
  'gh release list',
  'docker compose run web sh',
  'cat > README <<EOF\nnpm publish\nEOF',
  'grep -r "kubectl apply" docs',
  'command -v vercel',
  'which docker compose up',
  'grep -n foo scripts/execute_deployment.py',
  'cat scripts/execute_deployment.py',
  'docker exec web npm run test',
  'docker exec web npm publish',
  'docker compose run --rm migrate up',
  'docker compose exec web npm publish',
  'docker ps # then compose up',
  'npm install publish',
  'npm view publish',
  'npm help publish',
  'npm run publish',
  'helm template install ./chart',
  'helm history upgrade',
  'kubectl exec web -- terraform apply',
  'deploy() { docker compose up -d; }',
  'python -c "docker compose up"',
  'vercel --version',
  'docker compose up --help',
  'echo $((docker + compose + up))',
  '',
  '"'
]

describe('deploy command', () => {
  test.each(deployments)('%s is one', (line, label, type) => {
    expect(deployCommandIn(line)).toMatchObject({ label, types: [type] })
  })

  test.each(others)('%s is none', (line) => {
    expect(deployCommandIn(line)).toBeNull()
  })

  test.each<[line: string, masked: boolean, unsure: boolean]>([
    ['npm publish', false, false],
    ['npm publish > log 2>&1', false, false],
    ['npm publish\n', false, false],
    ['npm publish && echo done', false, false],
    ['npm publish && npm run smoke', false, false],
    ['cd app && npm publish', false, false],
    ['npm test && npm publish', false, true],
    ['npm test; npm publish', false, false],
    ['set -e; npm test; npm publish', false, true],
    ['set -euo pipefail\nnpm publish | tee log', false, false],
    ['set -o errexit\nnpm publish\nnpm run smoke', false, false],
    ['npm publish | tail -3', true, true],
    ['npm publish 2>&1 | tee log', true, true],
    ['cat list | npm publish', false, false],
    ['npm publish || true', true, false],
    ['npm publish || exit 1', false, false],
    ['npm publish || { echo failed; exit 1; }', false, false],
    ['npm publish; echo done', true, true],
    ['npm publish &', true, true],
    ['! npm publish', true, true],
    ['if ! npm publish; then exit 1; fi', false, false],
    ['if ! npm publish; then echo failed; fi', true, false],
    ['if npm publish; then npm run smoke; fi', true, true],
    ['if npm publish; then echo ok; else exit 1; fi', false, false],
    ['until npm publish; do sleep 1; done', true, false],
    ['for d in a b; do npm publish $d; done', true, false],
    ['out=$(npm publish)', false, false],
    ['echo $(npm publish)', true, true],
    ["sh -c 'npm publish | cat'", true, true],
    ['cat list | xargs echo; npm publish', false, false]
  ])('%j may hide a failure of it: %s, and fail without it: %s', (line, masked, unsure) => {
    expect(deployCommandIn(line)).toMatchObject({ masked, unsure })
  })

  test.each([
    ['npm publish 2>&1 | tail -3', true],
    ['cd app && npm publish; echo "exit $?"', true],
    ['npm publish; npm test', false],
    ['git pull && npm publish', false]
  ])('the output of %j is its own: %s', (line, own) => {
    expect(deployCommandIn(line)?.ownOutput).toBe(own)
  })

  test('a long hostile line is read, and found to be none', { timeout: 180_000 }, () => {
    const line = `docker ${'"\\'.repeat(200_000)} ${'<<A\n'.repeat(50_000)} ${'a=$(('.repeat(50_000)}`
    expect(deployCommandIn(line)).toBeNull()
    expect(deployCommandIn(`${'<<A\n'.repeat(200_000)} npm publish`)).toBeNull()
    const calls = Array.from({ length: 500 }, (_, index) => `f${index + 1}() { f${index}; f${index}; f${index}; }`)
    expect(deployCommandIn(`f0() { :; }\n${calls.join('\n')}\nf500 # publish`)).toBeNull()
    expect(deployCommandIn(`${'sh -c "'.repeat(5_000)}npm publish`)).toBeNull()
    expect(deployCommandIn(`${'$('.repeat(20_000)} npm publish`)).toBeNull()
  })
})
