/** One thing that an identity may do. */
export interface Right {
  /** Empty for what belongs to no namespace. */
  namespace: string
  group: string
  resource: string
  subresource?: string
  verb: string
  /** The objects that need it; a right on these alone is enough (`resourceNames` of a role). */
  names?: string[] | undefined
}
