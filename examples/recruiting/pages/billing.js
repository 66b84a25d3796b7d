import { call, find } from './shared.js';

find('#company').textContent = (await call('/api/jobs')).company;
