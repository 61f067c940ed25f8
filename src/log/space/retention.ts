/** How much of a log is kept although nobody has discarded it. Pure. */

export interface RetentionLimits {
  /** A message stays at least this long. */
  readonly ageMs?: number
  /** At least so many bytes of the newest segments stay, headers and framing counted. */
  readonly bytes?: number
  /** At least so many of the newest messages stay. */
  readonly messages?: number
}

export interface KeptSegment {
  /** Bytes up to where the segment ends, not its file's size. */
  readonly dataBytes: number
  readonly endId: number
  /** No message in it is newer; undefined where nobody knows. */
  readonly endTimeMs: number | undefined
}

/** What stands behind the full segments: the one being written. */
export interface KeptEnd {
  readonly dataBytes: number
  readonly nextId: number
  readonly nowMs: number
}

/**
 * How many of the full segments, oldest first, are beyond a limit as a whole. Each limit by itself lets
 * a segment go; none lets one go in front of which another stays.
 */
export function countExpired(
  segments: readonly KeptSegment[],
  end: KeptEnd,
  limits: RetentionLimits,
): number {
  const { ageMs, bytes, messages } = limits
  let behind = segments.reduce((sum, { dataBytes }) => sum + dataBytes, end.dataBytes)
  let count = 0
  for (const { dataBytes, endId, endTimeMs } of segments) {
    behind -= dataBytes
    const isOld = ageMs !== undefined && endTimeMs !== undefined && endTimeMs + ageMs <= end.nowMs
    const isFar = bytes !== undefined && behind >= bytes
    const isMany = messages !== undefined && end.nextId - endId >= messages
    if (!isOld && !isFar && !isMany) break
    count++
  }
  return count
}
