/** What the memcache protocol bounds, by name. Numbers only. */

const KIB = 1024
const MIB = 1024 * KIB

/** A key with all its options, as memcached has it. */
export const KEY_BYTES_MAX = 250

/** A command without its line end; memcached hangs up at the same length. */
export const LINE_BYTES_MAX = 2 * KIB

/** The same for `get` and `gets`, which may name many keys. */
export const GET_LINE_BYTES_MAX = 32 * KIB

/** A value, unless told: what memcached takes. */
export const VALUE_BYTES_MAX = MIB

/** memcached calls a longer one a malformed line. */
export const DECLARED_BYTES_MAX = 2 ** 31 - 3

/** Commands of one connection that are being answered. */
export const IN_FLIGHT_MAX = 1_024

/** Puts of one connection are begun until their bodies take so much together. */
export const PUT_BYTES_IN_FLIGHT_MAX = 4 * MIB

/** Plain reads of one connection that are getting a body, of which nobody knows yet how large it is. */
export const GETS_LOADING_MAX = 16

/** Further ones begin until the bodies that are being made final take so much together. */
export const GET_BYTES_IN_FLIGHT_MAX = 4 * MIB

/** Bodies that one `get` of many keys takes; the keys behind them are not looked at. */
export const GET_BYTES_MAX = 32 * MIB

/** Open reads of one connection, over all queues. */
export const OPEN_READS_MAX = 1_000

/** `monitor` opens no further read where the open ones of the connection hold so much. */
export const OPEN_BYTES_MAX = 32 * MIB

/** What `monitor` opens where it does not say. */
export const MONITOR_COUNT = 100

/** The longest wait of a read: a day. */
export const WAIT_MS_MAX = 86_400_000

/** An open read lasts so long unless told: as long as its connection. Ten years. */
export const OPEN_MS_MAX = 315_360_000_000

/** What a client may send to prove who it is. */
export const CREDENTIAL_BYTES_MAX = KIB

/** What is answered to a client that has shown no token, before its connection ends. */
export const UNTRUSTED_REPLIES_MAX = 16

/** Queues and groups that are held ready though no connection uses them; an old one makes room. */
export const READERS_MAX = 10_000

/** So many are asked at once whether they make room. */
export const READERS_ASKED_MAX = 16

/** Queues and groups that a connection holds while it lives; the one that it used longest ago makes room. */
export const OWN_READERS_MAX = 1_000

/** Extras, key and whatever else stands in front of a value in a binary frame. */
export const FRAME_HEAD_BYTES_MAX = 64 * KIB
