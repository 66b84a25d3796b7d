import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Where the wheel takes the built files from; `TOLLKEEPER_WEB_OUT` builds somewhere else. */
export const out = process.env.TOLLKEEPER_WEB_OUT ?? here('../src/tollkeeper/web/static');

const shared = { root: here('.'), configFile: false, logLevel: 'warn' };
/** The widgets are built first, into an empty folder. */
const built = { outDir: out, emptyOutDir: false, target: 'es2022' };

/** `tollkeeper.js`: every widget in one module under a name that never changes, for any page. */
export const widgets = {
  ...shared,
  build: {
    ...built,
    emptyOutDir: true,
    minify: true,
    lib: { entry: here('src/tollkeeper.ts'), formats: ['es'], fileName: () => 'tollkeeper.js' },
  },
};

/** `billing-page.js`: the whole billing page as one element, over the `tollkeeper.js` beside it. */
export const billingPage = {
  ...shared,
  build: {
    ...built,
    minify: true,
    lib: { entry: here('src/billing-page.ts'), formats: ['es'], fileName: () => 'billing-page.js' },
    rollupOptions: { external: ['tollkeeper'], output: { paths: { tollkeeper: './tollkeeper.js' } } },
  },
};

/** Our pages. They import both from where they're served, so that nothing is shipped twice. */
export const pages = {
  ...shared,
  build: {
    ...built,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: ['billing.html', 'console.html', 'gallery.html'].map(here),
      external: ['tollkeeper', 'billing-page'],
      output: { paths: { tollkeeper: '/tollkeeper.js', 'billing-page': '/billing-page.js' } },
    },
  },
};

/** The API reference: Swagger UI, which nothing else loads, so that it's no part of the pages' budget (scripts/size.mjs). */
export const reference = {
  ...shared,
  build: {
    ...built,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_600,
    rollupOptions: { input: here('docs.html'), checks: { pluginTimings: false } },
  },
};

/** `npm run dev` and the tests read the widgets from their sources. */
export default defineConfig({
  root: here('.'),
  resolve: { alias: { tollkeeper: here('src/tollkeeper.ts'), 'billing-page': here('src/billing-page.ts') } },
  test: {
    environment: 'happy-dom',
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/patience.ts'],
    testTimeout: 30_000,
    env: { TZ: 'UTC' },
  },
});
