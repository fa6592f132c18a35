import { z } from 'zod'

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue
}

export const jsonObject = z.record(z.string(), z.json()) as z.ZodType<JsonObject>
