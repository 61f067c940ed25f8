/** What is said of records that cannot be read. Pure. */
import { QlogError } from '../../errors.ts'

/** The bytes passed their checksum, so somebody else wrote them. */
export function unreadable(why: string): QlogError {
  return new QlogError(
    'QLOG_NEWER_FORMAT',
    `the log holds a record that this version of the store cannot read, as a newer one or none wrote it: it ${why}`,
  )
}
