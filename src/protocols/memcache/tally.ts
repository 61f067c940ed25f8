/** What the connections of one memcache server did, for `stats`. Plain counts. */

export class Tally {
  connections = 0
  totalConnections = 0
  cmdGet = 0
  cmdSet = 0
  cmdPeek = 0
  getHits = 0
  getMisses = 0
  bytesRead = 0
  bytesWritten = 0
  queueCreates = 0
  queueDeletes = 0

  /** Everything but what is open now begins anew. */
  reset(): void {
    this.totalConnections = 0
    this.cmdGet = 0
    this.cmdSet = 0
    this.cmdPeek = 0
    this.getHits = 0
    this.getMisses = 0
    this.bytesRead = 0
    this.bytesWritten = 0
    this.queueCreates = 0
    this.queueDeletes = 0
  }
}
