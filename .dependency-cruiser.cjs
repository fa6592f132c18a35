// The layers of src/, upper ones first. A part may import from its own layer's list below, and never from above.
const below = {
  cli: ['render', 'tools', 'rollback', 'incident', 'project', 'model', 'support'],
  mcp: ['render', 'tools', 'rollback', 'incident', 'targets', 'project', 'model', 'support'],
  render: ['tools', 'rollback', 'incident', 'model', 'support'],
  tools: ['rollback', 'incident', 'project', 'model', 'support'],
  rollback: ['incident', 'targets', 'notify', 'project', 'signals', 'model', 'support'],
  incident: ['project', 'model', 'support'],
  targets: ['http', 'signals', 'project', 'model', 'support'],
  hooks: ['project', 'model', 'support'],
  notify: ['http', 'model', 'support'],
  action: [],
  signals: ['http', 'model', 'support'],
  http: ['model', 'support'],
  project: ['model', 'support'],
  model: ['support'],
  support: []
}

const layers = Object.entries(below).map(([layer, allowed]) => ({
  name: `layer-${layer}`,
  severity: 'error',
  comment: `${layer}/ may import from: ${[layer, ...allowed].join(', ')}.`,
  from: { path: `^src/${layer}/` },
  to: { path: '^src/', pathNot: `^src/(${[layer, ...allowed].join('|')})/|^src/version\\.ts$` }
}))

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'tests-are-not-shared',
      severity: 'error',
      comment: 'What tests share with demo and bench is in testkit/.',
      from: { path: '^(src|scripts|bench|testkit)/' },
      to: { path: '^test/' }
    },
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'No two files import each other, not even for types.',
      from: {},
      to: { circular: true }
    },
    {
      name: 'rollback-knows-no-target',
      severity: 'error',
      comment: 'The engine knows the contract and the list of targets, and no target by name.',
      from: { path: '^src/(?!targets/)' },
      to: { path: '^src/targets/[^/]+/' }
    },
    {
      name: 'targets-stand-alone',
      severity: 'error',
      comment: "A target imports nothing of another target's folder.",
      from: { path: '^src/targets/([^/]+)/' },
      to: { path: '^src/targets/[^/]+/', pathNot: '^src/targets/$1/' }
    },
    {
      name: 'clients-in-their-target',
      severity: 'error',
      comment: "Only a target's own folder imports its client.",
      from: { path: '^src/', pathNot: '^src/targets/(docker|kubernetes|npm|pypi)/' },
      to: { path: 'node_modules/(dockerode|@kubernetes/client-node|@npmcli/|npm-registry-fetch|@renovatebot/)' }
    }
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs'] }
  }
}
