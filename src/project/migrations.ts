import type { ChangedFile } from './git.ts'

export interface Migration extends ChangedFile {
  /** The tool whose layout it is. */
  tool: string
}

/** One row per layout that a migration tool documents; the first that matches counts, so the specific ones stand first. */
const layouts: [tool: string, path: RegExp][] = [
  ['Prisma', /(^|\/)(prisma\/(.+\/)?migrations\/[^/]+|migrations\/\d{14}_[^/]+)\/migration\.sql$/],
  ['Rails', /(^|\/)db\/(\w+_)?migrate\/\d{3,14}_\w+(\.\w+)?\.rb$/],
  ['Alembic', /(^|\/)(alembic|migrations)\/versions\/.+\.py$/],
  ['Alembic', /(^|\/)versions\/(\d[\d_-]*[_-])?[0-9a-f]{12}_\w+\.py$/],
  ['Django', /(^|\/)migrations\/\d{4}_\w+\.py$/],
  ['TypeORM', /(^|\/)migrations?\/(.+\/)?\d{13}-[^/]+\.[cm]?[jt]s$/],
  ['Knex', /(^|\/)migrations\/(.+\/)?\d{14}_[^/]+\.([cm]?[jt]s|coffee)$/],
  ['Sequelize', /(^|\/)migrations\/\d{14}-[^/]+\.[cm]?[jt]s$/],
  ['MikroORM', /(^|\/)migrations\/Migration\d{14}(_\w+)?\.[cm]?[jt]s$/],
  ['Drizzle', /(^|\/)drizzle\/(.+\/)?\d{4}_\w+\.sql$/],
  ['Laravel', /(^|\/)migrations\/\d{4}_\d\d_\d\d_\d{6}_\w+\.php$/],
  ['Ecto', /(^|\/)migrations\/\d{14}_\w+\.exs$/],
  ['Entity Framework', /(^|\/)Migrations\/\d{14}_\w+\.cs$/],
  ['golang-migrate', /(^|\/)\d+_[^/]+\.(up|down)\.(sql|json|cql)$/],
  ['Flyway', /(^|\/)(V\d+([._]\d+)*|U\d+([._]\d+)*|R)__[^/]+\.(sql|java|kt)$/],
  ['Liquibase', /(^|\/)(db\/changelog|liquibase)\/(.+\/)?[^/]+\.(xml|ya?ml|json|sql)$/],
  ['Liquibase', /(^|\/)changelogs?\/(.+\/)?[^/]+\.(xml|sql)$/],
  ['Liquibase', /(^|\/)changelog([._-][^/]*)?\.(xml|sql)$/i],
  ['Liquibase', /(^|\/)(db\.|database-?)changelog([._-][^/]*)?\.(xml|ya?ml|json|sql)$/i],
  ['SQL', /(^|\/)(migrations?|db\/migrate)\/(.+\/)?[^/]+\.sql$/]
]

/** Takes the files in which two commits differ; gives those that change a database when the one after the other is deployed. */
export const migrationsAmong = (files: readonly ChangedFile[]): Migration[] =>
  files.flatMap((file) => {
    const tool = layouts.find(([, path]) => path.test(file.path))?.[0]
    return tool ? [{ ...file, tool }] : []
  })
