import { utcInstant } from '../../../src/project/timestamp.ts'

process.stdout.write(JSON.stringify(process.argv.slice(2).map(utcInstant)))
