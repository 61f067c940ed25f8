/** Figures as pages and pictures write them. Pure. */

const KIB = 1024
const MIB = KIB * KIB
const GIB = KIB * MIB

/** Three digits: more would claim what a shared machine cannot show. */
export function figureText(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

/** A count, which is exact. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

export function millisecondsText(milliseconds: number): string {
  if (milliseconds >= 1000) return `${figureText(milliseconds / 1000)} s`
  return `${figureText(milliseconds)} ms`
}

/** Of one message: '100 B', '64 KiB'. */
export function bytesText(bytes: number): string {
  return bytes >= KIB && bytes % KIB === 0 ? `${bytes / KIB} KiB` : `${countText(bytes)} B`
}

/** Of memory and files. */
export function sizeText(bytes: number): string {
  if (bytes >= GIB) return `${figureText(bytes / GIB)} GiB`
  if (bytes >= MIB) return `${figureText(bytes / MIB)} MiB`
  if (bytes >= KIB) return `${figureText(bytes / KIB)} KiB`
  return `${figureText(bytes)} B`
}

/** Of a whole run. */
export function minutesText(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} minutes`
}

/** For axes, where room is short: 1, 10k, 2M. */
export function shortText(value: number): string {
  if (value >= 1e9) return `${figureText(value / 1e9)}G`
  if (value >= 1e6) return `${figureText(value / 1e6)}M`
  if (value >= 1e3) return `${figureText(value / 1e3)}k`
  return figureText(value)
}
