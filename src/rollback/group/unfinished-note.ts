import { projectPaths } from '../../project/paths.ts'
import type { ProjectContext } from '../session.ts'
import { unfinishedGroup } from './interrupted-group.ts'

/** A line for people where the target is a part of a rollback of several targets that never ended. */
export async function unfinishedNote(project: ProjectContext, target: string): Promise<string[]> {
  const record = await unfinishedGroup({ project, paths: projectPaths(project.projectDir) })
  if (!record?.begun.members.some((member) => member.target === target)) return []
  const { groupId, members } = record.begun
  const names = members.map((member) => member.target).join(',')
  return [
    `${target} is a part of ${groupId}, a rollback of several targets that never ended. To finish or undo all of it: pop-deploy-rollback rollback --target ${names}`
  ]
}
