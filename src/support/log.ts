import type { Mask } from './mask.ts'

type LogLevel = 'debug' | 'info' | 'warning' | 'error'
export type Logger = (level: LogLevel, message: string) => void

/** Writes to stderr and to other listeners; stdout belongs to the protocol. Further lines of a message are indented, so that none looks like another message. */
export const createLogger =
  (mask: Mask, least: LogLevel = 'info', listener?: Logger): Logger =>
  (level, message) => {
    if (order.indexOf(level) < order.indexOf(least)) return
    const line = mask.text(message).replaceAll('\n', '\n    ')
    process.stderr.write(`${level}: ${line}\n`)
    listener?.(level, line)
  }

const order: LogLevel[] = ['debug', 'info', 'warning', 'error']
