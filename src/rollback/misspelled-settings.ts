import type { DeployFile } from '../project/deploy-file.ts'
import { targetEntrySchema } from '../project/deploy-schema.ts'
import { placeOf } from '../project/json-text.ts'
import { type Misspelled, misspelled } from '../project/misspelled.ts'
import { signalSchema } from '../signals/signal-schema.ts'
import type { TargetType } from '../targets/define-target.ts'
import { rollbackSettingsSchema } from './session.ts'

/** Lines for people about fields of a target's entry in deploy.json that have no effect because they are misspelled. */
export function misspelledSettings(
  { text, entries }: DeployFile,
  target: string,
  { configSchema }: TargetType
): string[] {
  const entry = entries[target]
  const path = ['targets', target]
  return [
    ...misspelled(entry, targetEntrySchema, path),
    ...misspelled(entry?.config, configSchema, [...path, 'config']),
    ...misspelled(entry?.config?.rollback, rollbackSettingsSchema, [...path, 'config', 'rollback']),
    ...(entry?.signals ?? []).flatMap((signal, at) => misspelled(signal, signalSchema, [...path, 'signals', at]))
  ].map((found) => noteOf(found, text))
}

const noteOf = ({ path, meant }: Misspelled, text: string): string =>
  `deploy.json, ${placeOf(text, path)}: "${path.at(-1)}" has no effect. Did you mean "${meant}"?`
