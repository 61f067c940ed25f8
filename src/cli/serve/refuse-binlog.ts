/** A directory that beanstalkd has used is not served as if it were empty. Reads names of files alone. */
import { readdirSync } from 'node:fs'
import { QlogError, systemErrorCode } from '../../errors.ts'
import { UsageError } from '../usage-error.ts'

/** beanstalkd's own files hold jobs that this server would not know of. */
export function refuseBinlog(directory: string): void {
  if (directory === ':memory:') return
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return
    throw new QlogError('QLOG_IO', `${directory} cannot be read`, { cause: error })
  }
  const binlog = names.find((name) => /^binlog\.\d+$/.test(name))
  if (binlog === undefined) return
  throw new UsageError(
    `${directory} holds the binlog of a beanstalkd (${binlog}), whose jobs would be missing`,
    `Bring its jobs over first: stop the beanstalkd, move ${directory} away, and run \`qlog import ${directory} --from-binlog THE_MOVED_DIRECTORY\`; or serve another directory.`,
  )
}
