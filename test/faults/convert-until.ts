/** `convert-until.ts DATABASE plain|sealed STEP`: converts the texts of a database and dies at the n-th step. */
import { dirname, join } from 'node:path'
import { convertTexts } from '../../src/store/convert-texts.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { createTexts } from '../../src/store/texts.ts'

const [path = '', to = '', step = ''] = process.argv.slice(2)
const texts = createTexts()
const database = openSqlite({ path, synchronous: 'full', texts })
let steps = 0
await convertTexts(database, texts, Buffer.alloc(32, 7), to === 'plain' ? 'plain' : 'sealed', join(dirname(path), 'undo'), () => {
  if (++steps === Number(step)) process.kill(process.pid, 'SIGKILL')
})
await database.close()
process.stdout.write(String(steps))
