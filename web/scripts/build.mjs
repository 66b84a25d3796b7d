// Builds tollkeeper.js first (it empties the folder), then the pages beside it.
import { build } from 'vite';
import { pages, widgets } from '../vite.config.mjs';

await build(widgets);
await build(pages);
