// Days and months are those of the restaurant's own time zone.
document.querySelector('[name=timezone]').value = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
document.querySelector('#wrong').hidden = location.search !== '?wrong';
