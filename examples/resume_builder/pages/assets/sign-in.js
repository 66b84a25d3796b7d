// Limits by the day are of the user's own day.
document.querySelector('[name=timezone]').value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC';
