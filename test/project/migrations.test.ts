import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChangedFile, filesChanged } from '../../src/project/git.ts'
import { migrationsAmong } from '../../src/project/migrations.ts'
import { createRepository, type Repository } from './repository.ts'

const migrations: Record<string, string[]> = {
  Prisma: [
    'prisma/migrations/20260318120000_add_user/migration.sql',
    'apps/api/prisma/schema/migrations/x/migration.sql'
  ],
  Knex: ['migrations/20260318120000_add_user.js', 'packages/db/lib/migrations/20260318120000_add.cjs'],
  TypeORM: ['src/migration/1773835200000-AddUser.ts', 'src/db/migrations/1773835200000-AddUser.js'],
  Rails: ['db/migrate/20260318120000_add_user.rb', 'engines/shop/db/migrate/20260318120000_add.shop.rb'],
  Django: ['shop/orders/migrations/0002_order_total.py'],
  Alembic: [
    'alembic/versions/ab12cd34ef56_add_user.py',
    'app/migrations/versions/1_x.py',
    'db/versions/2026_03_18-ab12cd34ef56_x.py'
  ],
  Flyway: ['src/main/resources/db/migration/V1_2__add_user.sql', 'sql/R__views.sql', 'db/migration/U2.1__undo.sql'],
  Liquibase: [
    'src/main/resources/db/changelog/db.changelog-master.yaml',
    'liquibase/001.xml',
    'db/changelogs/1.sql',
    'databaseChangeLog.xml'
  ],
  'golang-migrate': ['migrations/000002_add_user.up.sql', 'db/migrations/1773835200_add.down.sql']
}

const others = [
  'CHANGELOG.md',
  'changelog.json',
  'changelogs/fragments/12.yml',
  'docs/migrations/guide.md',
  'src/migrations/index.ts',
  'shop/migrations/__init__.py',
  'prisma/schema.prisma',
  'db/schema.rb',
  'src/versions/parser.py',
  'sql/report.sql',
  'V1__notes.txt'
]

describe('migrationsAmong', () => {
  let repository: Repository
  let from: string
  let to: string
  beforeAll(() => {
    repository = createRepository()
    from = repository.commit('Before', {
      'db/migrate/20250101000000_old.rb': '1',
      'db/migrate/20250102000000_gone.rb': '1'
    })
    repository.git('rm', '--quiet', 'db/migrate/20250102000000_gone.rb')
    const added = [...Object.values(migrations).flat(), ...others]
    to = repository.commit('After', {
      ...Object.fromEntries(added.map((path) => [path, path])),
      'db/migrate/20250101000000_old.rb': '2'
    })
  })
  afterAll(() => repository.remove())

  it.each(Object.entries(migrations))('knows the migrations of %s between two commits', async (tool, paths) => {
    const found = migrationsAmong((await filesChanged(repository.dir, from, to))?.items ?? [])
    const added = found.filter((migration) => migration.tool === tool && migration.change === 'added')
    expect(added.map(({ path }) => path)).toEqual(expect.arrayContaining(paths))
  })

  it('sees migrations that were changed or removed, and nothing else', async () => {
    const found = migrationsAmong((await filesChanged(repository.dir, from, to))?.items ?? [])
    expect(found).toContainEqual({ tool: 'Rails', path: 'db/migrate/20250101000000_old.rb', change: 'modified' })
    expect(found).toContainEqual({ tool: 'Rails', path: 'db/migrate/20250102000000_gone.rb', change: 'deleted' })
    expect(found).toHaveLength(Object.values(migrations).flat().length + 2)
  })

  it.each([
    ['MikroORM', 'src/migrations/Migration20260318120000.ts'],
    ['Drizzle', 'drizzle/0001_brave_hulk.sql'],
    ['Sequelize', 'migrations/20260318120000-add-user.js'],
    ['Laravel', 'database/migrations/2026_03_18_120000_add_user.php'],
    ['Ecto', 'priv/repo/migrations/20260318120000_add_user.exs'],
    ['Entity Framework', 'Data/Migrations/20260318120000_AddUser.cs'],
    ['SQL', 'supabase/migrations/20260318120000_add_user.sql']
  ])('knows %s, too', (tool, path) => {
    const file: ChangedFile = { path, change: 'added' }
    expect(migrationsAmong([file])).toEqual([{ ...file, tool }])
  })
})
