/** Writes to so many bytes of memory, once each, and ends: `BYTES`. */
const PIECE_BYTES = 64 * 1024 * 1024
/** Kept, so that no piece is written in the place of another. */
const pieces = []
for (let left = Number(process.argv[2]); left > 0; left -= PIECE_BYTES) {
  pieces.push(Buffer.alloc(Math.min(left, PIECE_BYTES), pieces.length + 1))
}
