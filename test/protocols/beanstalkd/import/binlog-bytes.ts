/** Records and files of beanstalkd's binlog, made by hand. Pure. */

export const CREATED_NS = 1_795_682_559_000_000_000n
export const READY = 1
export const BURIED = 3

interface Fields {
  readonly tube?: string
  readonly body?: string
  readonly state?: number
  readonly createdNs?: bigint
}

/** A record; without a tube it changes the job. */
export function record(id: number, bytes: number, fields: Fields = {}, version = 7): Buffer {
  const { tube = '', body, state = READY, createdNs = CREATED_NS + BigInt(id) } = fields
  const lengthBytes = version === 7 ? 4 : 8
  const unit = version === 7 ? 1n : 1_000n
  const head = Buffer.alloc(lengthBytes)
  head.writeInt32LE(tube.length)
  const job = Buffer.alloc(version === 7 ? 80 : 77)
  job.writeUInt32LE(id, 0)
  job.writeUInt32LE(1000 + id, 8)
  job.writeBigInt64LE(60_000_000_000n / unit, 24)
  job.writeInt32LE(bytes + 2, 32)
  job.writeBigInt64LE(createdNs / unit, 40)
  job[76] = state
  return Buffer.concat([
    head,
    Buffer.from(tube),
    job,
    Buffer.from(body === undefined ? '' : `${body}\r\n`),
  ])
}

export function put(id: number, body: string, more: Fields = {}, version = 7): Buffer {
  return record(id, body.length, { tube: 'orders', body, ...more }, version)
}

export function file(...records: Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([7, 0, 0, 0]), ...records, Buffer.alloc(300)])
}
