/** A sensible next call of a tool. */
export interface NextCall {
  tool: string
  arguments: Record<string, unknown>
  when: string
}
