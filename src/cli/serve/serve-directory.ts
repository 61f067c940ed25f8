/**
 * Whether a store can be in a directory, asked before it is opened there: what is wrong is told with owner,
 * mode and user, and with what to do. Reads modes and names of users, and changes nothing.
 */
import { accessSync, constants, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { systemErrorCode } from '../../errors.ts'
import { UsageError } from '../usage-error.ts'
import { findUser } from './user.ts'

const RIGHTS = [
  [constants.X_OK, 'entered'],
  [constants.R_OK, 'read'],
  [constants.W_OK, 'written to'],
] as const

/** Throws UsageError where it is none, or this user may not use it. What else is wrong the opening finds. */
export function requireUsable(directory: string): void {
  if (directory === ':memory:') return
  const wanted = resolve(directory)
  const nearest = nearestOf(wanted)
  if (nearest === undefined) return
  const { path, stats } = nearest
  if (!stats.isDirectory()) {
    const what = stats.isFile() ? 'a file' : 'no directory'
    const where = path === wanted ? '' : `, so that there can be no ${wanted}`
    throw new UsageError(
      `${path} is ${what}${where}`,
      'A store is a directory: name one that is empty, missing, or holds a store.',
    )
  }
  for (const [right, done] of RIGHTS) {
    // What is to be made is not looked for.
    if (right === constants.R_OK && path !== wanted) continue
    const code = refusalOf(path, right)
    if (code === 'EROFS') {
      throw new UsageError(
        `${path} is on a file system that is mounted for reading alone`,
        'Mount it for writing, or name another directory.',
      )
    }
    if (code !== 'EACCES' && code !== 'EPERM') continue
    const user = userName(process.geteuid?.() ?? -1)
    throw new UsageError(
      `${path} cannot be ${done} by ${user}, as whom this runs: it belongs to ${userName(stats.uid)} and group ${stats.gid}, with mode ${modeOf(stats)}`,
      remedyOf(path, wanted, user, userName(stats.uid)),
    )
  }
}

/** The path, or as much of it as there is and can be seen; undefined where its mode can tell nothing. */
function nearestOf(wanted: string): { readonly path: string; readonly stats: Stats } | undefined {
  for (let path = wanted; ; path = dirname(path)) {
    try {
      return { path, stats: statSync(path) }
    } catch (error) {
      const code = systemErrorCode(error)
      const isAbove = code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES'
      if (!isAbove || path === dirname(path)) return undefined
    }
  }
}

function refusalOf(path: string, right: number): string | undefined {
  try {
    accessSync(path, right)
    return undefined
  } catch (error) {
    return systemErrorCode(error)
  }
}

function remedyOf(path: string, wanted: string, user: string, owner: string): string {
  if (path !== wanted) {
    return `Make it for that user (\`install -d -o ${user} ${wanted}\`), where a user may enter what stands above it; or name another directory.`
  }
  if (owner === user) return `Let it: \`chmod u+rwx ${path}\`; or name another directory.`
  return `Hand it over (\`chown -R ${user} ${path}\`), serve as its owner (\`-u ${owner}\`), or name another directory.`
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

/** Its number where nothing names it. */
function userName(userId: number): string {
  try {
    return findUser(readFileSync('/etc/passwd', 'utf8'), String(userId))?.name ?? String(userId)
  } catch {
    return String(userId)
  }
}
