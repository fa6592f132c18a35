/** Finds many words at once, whatever their case, in time that grows with the text alone. */
export interface Finder {
  /** How many words it finds. */
  readonly size: number
  add(word: string): void
  /** Shows `visit` each place where words end: the longest word there, then shorter ones until it takes one. */
  each(text: string, visit: (from: number, until: number) => boolean): void
}

/**
 * A finder to which words can be added at any time. New words get an automaton of their own, which swallows the smaller ones before
 * it, so each word is rebuilt a logarithmic number of times.
 */
export function createFinder(): Finder {
  const known = new Set<string>()
  const automata: Automaton[] = []
  let added: string[] = []
  const settle = (): void => {
    if (added.length === 0) return
    for (let last = automata.at(-1); last && last.words.length <= 2 * added.length; last = automata.at(-1)) {
      added.push(...last.words)
      automata.pop()
    }
    automata.push(automatonOf(added))
    added = []
  }
  return {
    get size() {
      return known.size
    },
    add(word) {
      const folded = fold(word)
      if (folded === '' || known.has(folded)) return
      known.add(folded)
      added.push(folded)
    },
    each(text, visit) {
      settle()
      const folded = fold(text)
      for (const automaton of automata) walk(automaton, folded, visit)
    }
  }
}

/** Without case, and with a plus as the blank that it is in a form; as long as it was, so that places stay what they are. */
function fold(text: string): string {
  const lower = text.toLowerCase()
  const folded = lower.length === text.length ? lower : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
  return folded.replaceAll('+', ' ')
}

/** Aho and Corasick's: a tree of the words, in which each node also knows the longest other node that its letters end with. */
interface Automaton {
  words: readonly string[]
  next(node: number, letter: number): number
  /** For each node, the node to go on from when no letter fits. */
  fallback: Int32Array
  /** For each node, the length of the word that ends there, or 0. */
  ends: Int32Array
  /** For each node, the nearest node along the fallbacks at which a word ends, or 0. */
  shorter: Int32Array
}

function automatonOf(words: readonly string[]): Automaton {
  const most = words.reduce((sum, { length }) => sum + length, 1)
  const edges = edgeTable(most)
  const [parents, letters, ends] = [new Int32Array(most), new Uint16Array(most), new Int32Array(most)]
  const levels: number[][] = []
  let count = 1
  for (const word of words) {
    let node = 0
    for (let at = 0; at < word.length; at++) {
      const letter = word.charCodeAt(at)
      let next = edges.get(node, letter)
      if (next === 0) {
        next = count++
        parents[next] = node
        letters[next] = letter
        edges.set(node, letter, next)
        const level = levels[at] ?? []
        level.push(next)
        levels[at] = level
      }
      node = next
    }
    ends[node] = word.length
  }
  const [fallback, shorter] = [new Int32Array(count), new Int32Array(count)]
  for (const node of levels.flat()) {
    const parent = parents[node] ?? 0
    if (parent !== 0) {
      let from = fallback[parent] ?? 0
      let next = edges.get(from, letters[node] ?? 0)
      while (next === 0 && from !== 0) {
        from = fallback[from] ?? 0
        next = edges.get(from, letters[node] ?? 0)
      }
      fallback[node] = next
    }
    const back = fallback[node] ?? 0
    shorter[node] = ends[back] ? back : (shorter[back] ?? 0)
  }
  return { words, next: edges.get, fallback, ends, shorter }
}

/** Edges of a tree in a hash table with open addressing: a map per node takes too long with thousands of words. */
function edgeTable(most: number): {
  get(node: number, letter: number): number
  set(node: number, letter: number, next: number): void
} {
  const size = 2 ** Math.ceil(Math.log2(most * 2))
  const [nodes, targets, letters] = [new Int32Array(size), new Int32Array(size), new Uint16Array(size)]
  const place = (node: number, letter: number): number => {
    let at = (Math.imul(node, 0x9e3779b1) ^ Math.imul(letter, 0x85ebca6b)) >>> 0
    for (at = (at ^ (at >>> 15)) & (size - 1); targets[at] !== 0; at = (at + 1) & (size - 1))
      if (nodes[at] === node && letters[at] === letter) return at
    return at
  }
  return {
    get: (node, letter) => targets[place(node, letter)] ?? 0,
    set(node, letter, next) {
      const at = place(node, letter)
      nodes[at] = node
      letters[at] = letter
      targets[at] = next
    }
  }
}

function walk(
  { next, fallback, ends, shorter }: Automaton,
  text: string,
  visit: (from: number, until: number) => boolean
): void {
  let node = 0
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at)
    let to = next(node, letter)
    while (to === 0 && node !== 0) {
      node = fallback[node] ?? 0
      to = next(node, letter)
    }
    node = to
    for (let word = ends[node] ? node : (shorter[node] ?? 0); word !== 0; word = shorter[word] ?? 0)
      if (visit(at + 1 - (ends[word] ?? 0), at + 1)) break
  }
}
