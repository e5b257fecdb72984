/** What texts by seed are made of. */

export const WORDS = (
  'the of and to in a is that it was for on are as with his they at be this from or had by hot but some what there we can out other ' +
  'were all your when up use how said an each she which do their time if will way about many then them would write like so these her ' +
  'long make thing see him two has look more day could go come did my sound no most number who over know water than call first people ' +
  'may down side been now find any new work part take get place made live where after back little only round man year came show every ' +
  'good me give our under name very through just form much great think say help low line before turn cause same mean differ move right ' +
  'boy old too does tell sentence set three want air well also play small end put home read hand port large spell add even land here ' +
  'must big high such follow act why ask men change went light kind off need house picture try us again animal point mother world near ' +
  'build self earth father head stand own page should country found answer school grow study still learn plant cover food sun four ' +
  'between state keep eye never last let thought city tree cross since hard start might story saw far sea draw left late run while ' +
  'press close night real life few stop open seem together next white children begin got walk example ease paper often always music ' +
  'those both mark book letter until mile river car feet care second group carry took rain eat room friend began idea fish mountain ' +
  'north once base hear horse cut sure watch color face wood main enough plain girl usual young ready above ever red list though feel ' +
  'talk bird soon body dog family direct pose leave song measure state product black short numeral class wind question happen complete ' +
  'ship area half rock order fire south problem piece told knew pass farm top whole king size heard best hour better true during hundred ' +
  'remember step early hold west ground interest reach fast five sing listen six table travel less morning ten simple several vowel ' +
  'toward war lay against pattern slow center love person money serve appear road map science rule govern pull cold notice voice fall ' +
  'power town fine certain fly unit lead cry dark machine note wait plan figure star box noun field rest correct able pound done beauty ' +
  'drive stood contain front teach week final gave green quick develop sleep warm free minute strong special mind behind clear tail ' +
  'produce fact street inch lot nothing course stay wheel full force blue object decide surface deep moon island foot yet busy test ' +
  'record boat common gold possible plane age dry wonder laugh thousand ago ran check game shape yes miss brought heat snow bed bring sit ' +
  'internationalization counterrevolutionaries Ishmael Nantucket harpooneer circumnavigation leviathan unaccountable'
).split(' ');

export const CONTRACTIONS = [
  "'s",
  "'t",
  "'re",
  "'ve",
  "'m",
  "'ll",
  "'d",
  "'S",
  "'T",
  "'RE",
  "'Ve",
  "'M",
  "'LL",
  "'D",
  "'\u{17f}",
  '\u{2019}s',
  "''s",
  "'st",
  "'l",
  "'r",
  "'v",
  "s'",
];

export const PUNCTUATION = [
  ...'.,;:!?()[]{}<>@#$%^&*-_=+/\\|~`"\'',
  '...',
  '--',
  '->',
  '::',
  '/*',
  '*/',
  '//',
  '\u{3002}',
  '\u{3001}',
  '\u{ff01}',
  '\u{60c}',
  '\u{2014}',
  '\u{2026}',
  '\u{2581}',
  '\u{a3}',
  '\u{20ac}',
  '\u{bf}',
];

type Range = readonly [number, number];
/** Ranges of code points of a way of writing; a word takes from one of these lists. */
export const SCRIPTS: readonly (readonly Range[])[] = [
  [[0x61, 0x7a]],
  [[0x41, 0x5a]],
  [
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  [
    [0x61, 0x7a],
    [0xc0, 0x17f],
  ],
  [
    [0x61, 0x7a],
    [0x300, 0x314],
  ],
  [[0x391, 0x3c9]],
  [[0x410, 0x44f]],
  [[0x531, 0x587]],
  [[0x5d0, 0x5ea]],
  [
    [0x620, 0x64a],
    [0x64b, 0x652],
  ],
  [[0x904, 0x94d]],
  [[0xe01, 0xe4d]],
  [[0x10d0, 0x10fa]],
  [
    [0x1100, 0x1112],
    [0x1161, 0x1175],
    [0x11a8, 0x11c2],
  ],
  [[0x1e00, 0x1eff]],
  [[0x1f00, 0x1fff]],
  [[0x3041, 0x3096]],
  [
    [0x30a1, 0x30fa],
    [0xff66, 0xff9f],
  ],
  [[0x4e00, 0x9fa5]],
  [[0xac00, 0xd7a3]],
  [[0xf900, 0xfad9]],
  [[0xff01, 0xff5e]],
  [[0x1d400, 0x1d7ff]],
  [
    [0x1f300, 0x1f64f],
    [0x1f3fb, 0x1f3ff],
    [0x200d, 0x200d],
    [0xfe0f, 0xfe0f],
  ],
  [[0x30, 0x39]],
  [
    [0x660, 0x669],
    [0x966, 0x96f],
    [0xff10, 0xff19],
    [0xb2, 0xbe],
    [0x2150, 0x218b],
  ],
  [[0x20000, 0x2a6df]],
];

export const CODE = [
  'if (',
  ') {\n',
  '}\n',
  '    ',
  '\t',
  '\n',
  'return ',
  'const ',
  'value',
  ' = ',
  ' == ',
  '!==',
  '->',
  '=>',
  '::',
  'std::vector<',
  '>',
  ';\n',
  '// ',
  '/* ',
  ' */\n',
  '#include <',
  '.h>\n',
  '0x1F',
  '1_000',
  '3.14159f',
  '"\\n"',
  "'a'",
  '&&',
  '||',
  'camelCaseName',
  'snake_case_name',
  'SCREAMING_CASE',
  'HTTPServer2Go',
  'def ',
  'self.',
  '__init__',
  '[i]',
  '(x, y)',
  '<div class="',
  '</div>\r\n',
  '&nbsp;',
  'https://example.org/a/b?c=d',
  '\\begin{',
  '$x^2$',
  '@param ',
  '%s',
  '\u{e9}',
  '\u{4f60}\u{597d}',
];
