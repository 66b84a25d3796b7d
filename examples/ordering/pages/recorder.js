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

/** 16-bit PCM, behind the bytes that say what it is and how long. */
function wav(sound) {
  const samples = Int16Array.from(sound, (value) => 0x7fff * Math.max(-1, Math.min(1, value)));
  const [two, four] = [2, 4].map((size) => (value) => Uint8Array.from({ length: size }, (_, i) => value >>> (8 * i)));
  const size = samples.byteLength;
  const format = [four(16), two(1), two(1), four(RATE), four(2 * RATE), two(2), two(16)];
  return new Blob(['RIFF', four(36 + size), 'WAVEfmt ', ...format, 'data', four(size), samples], { type: 'audio/wav' });
}
