import { utcInstant } from '../../../src/project/timestamp.ts'

/** Prints the instants of the timestamps given; with --compare also what Date makes of them. */
const [first, ...rest] = process.argv.slice(2)
const given = first === '--compare' ? rest : process.argv.slice(2)
const ours = given.map(utcInstant)
const dates = () => given.map((timestamp) => new Date(timestamp.slice(0, -3)).toISOString())
process.stdout.write(JSON.stringify(first === '--compare' ? [ours, dates()] : ours))
