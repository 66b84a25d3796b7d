// Fails when what a browser loads, all scripts and styles gzipped, is more than the budget. The API reference is developers', by
// Swagger UI, and neither widgets nor pages load any of it: it's told apart.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET = 120_000;
const folder =
  process.env.TOLLKEEPER_WEB_OUT ?? fileURLToPath(new URL('../../src/tollkeeper/web/static', import.meta.url));

const files = (path) =>
  readdirSync(path).flatMap((name) => {
    const file = join(path, name);
    return statSync(file).isDirectory() ? files(file) : [file];
  });

const sizes = files(folder)
  .filter((file) => /\.(js|css)$/.test(file))
  .map((file) => [relative(folder, file), gzipSync(readFileSync(file), { level: 9 }).length]);
const isReference = ([name]) => name.startsWith(join('assets', 'docs-'));
const sum = (some) => some.reduce((sum, [, size]) => sum + size, 0);
const total = sum(sizes.filter((each) => !isReference(each)));

for (const [name, size] of sizes) console.log(`${String(size).padStart(8)}  ${name}`);
console.log(`${String(total).padStart(8)}  in all, gzipped; the budget is ${BUDGET}`);
console.log(`${String(sum(sizes.filter(isReference))).padStart(8)}  of the API reference, apart from it`);
if (total === 0 || total > BUDGET) {
  console.error(total ? 'Over the budget.' : 'Nothing is built: run npm run build.');
  process.exit(1);
}
