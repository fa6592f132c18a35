export interface Contact {
  kind: 'address' | 'program'
  target: string
  /** As the table has it, in angle brackets where the address depends on the project. */
  name: string
}

/** The rows of the tables whose second column is `address` or `program`. */
export function contactsIn(markdown: string): Contact[] {
  const contacts: Contact[] = []
  let kind: Contact['kind'] | null = null
  for (const line of markdown.split('\n')) {
    const [, target = '', name = ''] = line.split('|').map((cell) => cell.trim().replaceAll('`', ''))
    if (!line.startsWith('|')) kind = null
    else if (target === 'target' && (name === 'address' || name === 'program')) kind = name
    else if (kind && !/^-+$/.test(target)) contacts.push({ kind, target, name })
  }
  return contacts
}
