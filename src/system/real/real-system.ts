/** Puts the real outside world together. */
import { randomFillSync } from 'node:crypto'
import type { System } from '../system.ts'
import { realClock } from './clock.ts'
import { crc32 } from './crc.ts'
import { RealFileSystem } from './files.ts'
import { readIdentity } from './identity.ts'
import { watchLoop } from './loop-delay.ts'
import { realLz4 } from './lz4.ts'
import { RealSockets } from './sockets.ts'

/** The world this process runs in. Throws QLOG_UNSUPPORTED where nothing durable is known. */
export function realSystem(): System {
  return {
    files: new RealFileSystem(process.platform),
    clock: realClock,
    sockets: new RealSockets(process.platform),
    identity: readIdentity(),
    crc32,
    get lz4() {
      return realLz4()
    },
    random: (target) => {
      randomFillSync(target)
    },
    watchLoop,
    warn: (code, message) => process.emitWarning(message, { type: 'QlogWarning', code }),
  }
}
