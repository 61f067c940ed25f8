/** What the owner's door bounds, by name. Numbers only. */

const KIB = 1024
const MIB = 1024 * KIB

/** Version of what is said through the door; both ends must speak the same. */
export const DOOR_VERSION = 1

/** The JSON of a frame. What belongs to one message has at most 16 KiB of headers, escaped perhaps. */
export const HEADER_BYTES_MAX = 256 * KIB
/** The raw bytes behind it: the largest body that any log takes, and room for a batch. */
export const TAIL_BYTES_MAX = 33 * MIB

/** Connections at once; whoever comes then is let go at once, and has seen that the owner lives. */
export const CONNECTIONS_MAX = 64
/** Frames over {@link SMALL_FRAME_BYTES} that are on their way in, in all connections together. */
export const INCOMING_BYTES_MAX = 96 * MIB
export const SMALL_FRAME_BYTES = 64 * KIB
/** Deliveries that one connection holds. */
export const DELIVERIES_MAX = 4_096

/** Whoever connects says who it is within this time; a store that opens is waited for longer. */
export const HELLO_TIMEOUT_MS = 10_000
/** A whole frame comes within this time after the one before was answered. */
export const IDLE_TIMEOUT_MS = 60_000
/** An answer that nobody takes for so long ends the connection. */
export const WRITE_TIMEOUT_MS = 30_000
/** The owner says hello within this time, or counts as one that does not answer. */
export const OWNER_TIMEOUT_MS = 15_000
