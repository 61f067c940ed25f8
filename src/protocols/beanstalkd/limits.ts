/** What the protocol and this server of it bound, by name. Numbers only. */

/** A command line at most, with its end. */
export const LINE_BYTES_MAX = 224
/** A tube's name at most. */
export const NAME_BYTES_MAX = 200
/** A job's body at most, unless told. */
export const JOB_BYTES_MAX_DEFAULT = 65_535
/** What `jobBytesMax` may be at most. */
export const JOB_BYTES_MAX_MAX = 1024 * 1024 * 1024
/** Jobs below this priority are counted as urgent. */
export const URGENT_BELOW = 1_024
/** A time to run is at least this. */
export const TTR_SECONDS_MIN = 1
/** The last part of a time to run: whoever reserves then is told to finish first. */
export const MARGIN_MS = 1_000
/** Commands of one connection that were begun and not answered, and the bytes of their bodies. */
export const PIPELINED_MAX = 4_096
export const PIPELINED_BYTES_MAX = 4 * 1024 * 1024
/** Reserves that follow each other and are served as one, and the bodies that they then get at once. */
export const RESERVE_RUN_MAX = 256
export const RESERVE_RUN_BYTES = 256 * 1024
/** Tubes that one connection watches: each reserve looks at all of them. */
export const WATCHED_MAX = 1_000
/** Jobs that one reply lists. */
export const LIST_MAX = 1_000
/** Jobs that one entry kicks. */
export const KICK_RUN_MAX = 1_000
/** Slots that are kept for whoever pipelines next. */
export const SLOTS_KEPT_MAX = 8_192
/** Tubes that have ended and whose queues are not removed yet; of more than these the queues stay. */
export const ENDED_TUBES_MAX = 65_536
/** They are looked at so long after one of them has ended, so many at once, and so often each. */
export const ENDED_TUBES_AFTER_MS = 250
export const ENDED_TUBES_A_ROUND = 256
export const ENDED_TUBES_TRIES = 8
