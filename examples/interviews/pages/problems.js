// What people read when something goes wrong, and what they can do about it, by the problem's code.

const AGAIN = 'Try again';
const WORDS = {
  no_credits: ['You have no credits', 'Creating an interview takes one.', 'Add credits', '/billing'],
  insufficient_credits: ['No credits left', 'Your team has no free credit for this, so nothing was created.', 'Add credits', '/billing'],
  model_failed: ['The questions couldn’t be written', 'The AI model gave no answer that could be used. Your credit is back.', AGAIN],
  unreachable: ['Billing can’t be reached', 'So nothing was done, and nothing was charged. What you wrote is still here.', AGAIN],
  store_failed: ['Our database can’t be reached', 'If a credit was held meanwhile, it’s free again.', AGAIN],
  offline: ['You seem to be offline', 'There was no answer. Trying again never costs twice.', AGAIN],
  exists_already: ['That exists already', 'It was created before, and isn’t charged twice.', 'Look', '/interviews'],
  customer_suspended: ['Your team is suspended', 'Nothing can be created until that is settled. Please write to us.'],
  not_signed_in: ['Please sign in', 'Your session is over, or there was none.', 'Sign in', '/sign-in'],
  wrong_password: ['That’s not right', 'There’s no account with this e-mail address and password.'],
  form_invalid: ['Something is missing', 'Please look at each field again.'],
  invitation_over: ['This invitation is over', 'An invitation holds for a week. Ask for another one.', 'To my interviews', '/interviews'],
  unknown_top_up: ['No such purchase', 'Your team has no purchase at this address.', 'To billing', '/billing'],
  not_found: ['Nothing here', 'There’s nothing at this address, or it isn’t yours.', 'To my interviews', '/interviews'],
};

// Shows it in an element, in place of what was there. `again` is what "Try again" does.
export function show(problem, where, again, words = {}) {
  const [title, text, action, href] = { ...WORDS, ...words }[problem.code] ?? ['That didn’t work', problem.detail ?? '', AGAIN];
  const panel = document.createElement('div');
  panel.className = 'problem';
  panel.dataset.code = problem.code;
  panel.setAttribute('role', 'alert');
  panel.append(element('strong', title), element('p', text));
  if (href) panel.append(Object.assign(element('a', action), { href, className: 'button' }));
  else if (action && again) panel.append(Object.assign(element('button', action), { type: 'button', onclick: again }));
  where.replaceChildren(panel);
}

export function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
