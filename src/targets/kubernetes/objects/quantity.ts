/** Amounts by what they are of: "cpu", "memory". In cores, bytes, or pieces. */
export type Amounts = Record<string, number>

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60
}

/** Reads a quantity such as "500m", "1Gi" or "2e3" (kubernetes.io, "Quantity"); null for what is none. */
export function quantity(text: string | number): number | null {
  const [, digits = '', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(String(text)) ?? []
  const factor = suffixes[suffix]
  const value = Number(digits)
  return digits !== '' && Number.isFinite(value) && factor !== undefined ? value * factor : null
}

/** For people, in the unit that the resource is usually given in. */
export function quantityText(value: number, resource: string): string {
  if (/memory|storage/.test(resource)) return value < 2 ** 20 ? `${Math.round(value)}` : `${round(value / 2 ** 20)}Mi`
  return /cpu/.test(resource) && value < 10 ? `${round(value * 1000)}m` : `${round(value)}`
}

const round = (value: number): number => Math.round(value * 100) / 100
