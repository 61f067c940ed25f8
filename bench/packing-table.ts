/** The table of what packing costs and saves, for a terminal and for native-free/README.md. */

import type { PackingResult } from './packing.ts'
import { writeTables } from './readme-tables.ts'

export function writePacking(
  header: Readonly<Record<string, unknown>>,
  results: readonly PackingResult[],
): void {
  writeTables('packing', header, packingTable(results))
}

export function packingTable(results: readonly PackingResult[]): string[] {
  return [
    '| messages | packed by | appended a second | of not packed | read a second | of not packed | stored of payload |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...results.map((one) => {
      const cells = [
        one.messageBytes < 1024 ? `${one.messageBytes} B` : `${one.messageBytes / 1024} KiB`,
        one.codec === 'none' ? 'nobody' : one.codec,
        one.appendRate.toLocaleString('en-US'),
        one.appendRatio.toFixed(2),
        one.replayRate.toLocaleString('en-US'),
        one.replayRatio.toFixed(2),
        one.storedShare.toFixed(2),
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ]
}
