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
  ['cat > note <<EOF\nhello\nEOF\nnpm publish', 'npm publish', 'npm']
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

  test.each([
    ['npm publish | tail -3', true],
    ['npm publish 2>&1 | tee log', true],
    ['npm publish || true', true],
    ['npm publish; echo done', true],
    ['npm publish &', true],
    ['npm publish > log 2>&1', false],
    ['npm publish && echo done', false],
    ['npm publish\n', false],
    ['cat list | xargs echo; npm publish', false],
    ["sh -c 'npm publish | cat'", true]
  ])('%j hides the exit code: %s', (line, masked) => {
    expect(deployCommandIn(line)?.masked).toBe(masked)
  })

  test('a long hostile line is read, and found to be none', () => {
    const line = `docker ${'"\\'.repeat(200_000)} ${'<<A\n'.repeat(50_000)} ${'a=$(('.repeat(50_000)}`
    expect(deployCommandIn(line)).toBeNull()
    expect(deployCommandIn(`${'<<A\n'.repeat(200_000)} npm publish`)).toBeNull()
  })
})
