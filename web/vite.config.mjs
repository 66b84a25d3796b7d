import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Where the wheel takes the built files from; `TOLLKEEPER_WEB_OUT` builds somewhere else. */
export const out = process.env.TOLLKEEPER_WEB_OUT ?? here('../src/tollkeeper/web/static');

const shared = { root: here('.'), configFile: false, logLevel: 'warn' };

/** `tollkeeper.js`: every widget in one module under a name that never changes, for any page. */
export const widgets = {
  ...shared,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2022',
    minify: true,
    lib: { entry: here('src/tollkeeper.ts'), formats: ['es'], fileName: () => 'tollkeeper.js' },
  },
};

/** The pages. They import the widgets from `/tollkeeper.js`, so that nothing is shipped twice. */
export const pages = {
  ...shared,
  build: {
    outDir: out,
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: ['billing.html', 'console.html', 'gallery.html'].map(here),
      external: ['tollkeeper'],
      output: { paths: { tollkeeper: '/tollkeeper.js' } },
    },
  },
};

/** `npm run dev` and the tests read the widgets from their sources. */
export default defineConfig({
  root: here('.'),
  resolve: { alias: { tollkeeper: here('src/tollkeeper.ts') } },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'], env: { TZ: 'UTC' } },
});
