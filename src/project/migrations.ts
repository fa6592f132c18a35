import type { ChangedFile } from './git.ts'

export interface Migration extends ChangedFile {
  /** The tool whose layout it is. */
  tool: string
}

/**
 * One row per layout that a migration tool documents; the first that matches counts, so the specific ones stand first. Where a row names
 * a folder, its first expression is for the name of the file alone: both in one would backtrack.
 */
const layouts: [tool: string, path: RegExp, folder?: RegExp][] = [
  ['Prisma', /^migration\.sql$/, /(^|\/)prisma\/(?:[^/]+\/){0,8}migrations\/[^/]+\/$/],
  ['Prisma', /^migration\.sql$/, /(^|\/)migrations\/\d{14}_[^/]+\/$/],
  ['Rails', /(^|\/)db\/(\w+_)?migrate\/\d{3,14}_\w+(\.\w+)?\.rb$/],
  ['Alembic', /.\.py$/, /(^|\/)(alembic|migrations)\/versions\//],
  ['Alembic', /^(\d[\d_-]{0,64}[_-])?[0-9a-f]{12}_\w+\.py$/, /(^|\/)versions\/$/],
  ['Django', /(^|\/)migrations\/\d{4}_\w+\.py$/],
  ['TypeORM', /^\d{13}-[^/]+\.[cm]?[jt]s$/, /(^|\/)migrations?\//],
  ['Knex', /^\d{14}_[^/]+\.([cm]?[jt]s|coffee)$/, /(^|\/)migrations\//],
  ['Sequelize', /(^|\/)migrations\/\d{14}-[^/]+\.[cm]?[jt]s$/],
  ['MikroORM', /(^|\/)migrations\/Migration\d{14}(_\w+)?\.[cm]?[jt]s$/],
  ['Drizzle', /^\d{4}_\w+\.sql$/, /(^|\/)drizzle\//],
  ['Laravel', /(^|\/)migrations\/\d{4}_\d\d_\d\d_\d{6}_\w+\.php$/],
  ['Ecto', /(^|\/)migrations\/\d{14}_\w+\.exs$/],
  ['Entity Framework', /(^|\/)Migrations\/\d{14}_\w+\.cs$/],
  ['golang-migrate', /(^|\/)\d+_[^/]+\.(up|down)\.(sql|json|cql)$/],
  ['Flyway', /(^|\/)(V\d+([._]\d+)*|U\d+([._]\d+)*|R)__[^/]+\.(sql|java|kt)$/],
  ['Liquibase', /.\.(xml|ya?ml|json|sql)$/, /(^|\/)(db\/changelog|liquibase)\//],
  ['Liquibase', /.\.(xml|sql)$/, /(^|\/)changelogs?\//],
  ['Liquibase', /(^|\/)changelog([._-][^/]*)?\.(xml|sql)$/i],
  ['Liquibase', /(^|\/)(db\.|database-?)changelog([._-][^/]*)?\.(xml|ya?ml|json|sql)$/i],
  ['SQL', /.\.sql$/, /(^|\/)(migrations?|db\/migrate)\//]
]

/** Takes the files in which two commits differ; gives those that change a database when the one after the other is deployed. */
export const migrationsAmong = (files: readonly ChangedFile[]): Migration[] =>
  files.flatMap((file) => {
    const tool = toolOf(file.path)
    return tool ? [{ ...file, tool }] : []
  })

function toolOf(path: string): string | undefined {
  const start = path.lastIndexOf('/') + 1
  const [folder, name] = [path.slice(0, start), path.slice(start)]
  return layouts.find(([, pattern, within]) =>
    within ? within.test(folder) && pattern.test(name) : pattern.test(path)
  )?.[0]
}
