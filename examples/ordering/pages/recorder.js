// What browsers record says nowhere how long it is. So it's sent as WAV, whose length can be read instead of guessed.

const RATE = 16_000;

/** Record until it's ended: a promise of the WAV, and what ends it. */
export async function recording() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const ended = new Promise((resolve, reject) => {
    recorder.addEventListener('stop', () => {
      for (const track of stream.getTracks()) track.stop();
      new Blob(parts).arrayBuffer().then(samples).then(wav).then(resolve, reject);
    });
  });
  recorder.start();
  return [ended, () => recorder.stop()];
}

/** Its sound: one channel, at RATE. */
async function samples(recorded) {
  const context = new OfflineAudioContext(1, 1, RATE);
  return (await context.decodeAudioData(recorded)).getChannelData(0);
}

/** 16-bit PCM behind the 44 bytes that say what it is. */
function wav(sound) {
  const view = new DataView(new ArrayBuffer(44 + 2 * sound.length));
  const text = (place, letters) => [...letters].forEach((letter, i) => view.setUint8(place + i, letter.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + 2 * sound.length, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * sound.length, true);
  sound.forEach((value, i) => view.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, value)) * 0x7fff, true));
  return new Blob([view], { type: 'audio/wav' });
}
