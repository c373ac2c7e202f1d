export type Country = {
  id: number;
  iso2: string;
  name: string;
  dial: string;
  cities: string[];
  first: string[];
  last: string[];
};

/** Where the shop's customers live. The names mix scripts, accents, apostrophes and lengths, as real ones do. */
export const countries: Country[] = [
  {
    id: 1,
    iso2: 'DE',
    name: 'Germany',
    dial: '+49',
    cities: ['Köln', 'München', 'Leipzig', 'Görlitz'],
    first: ['Jürgen', 'Anneliese', 'Björn', 'Sabine', 'Karl-Heinz', 'Leonie'],
    last: ['Müller', 'Groß', 'von der Heydt', 'Jäger', 'Schmidt-Rottluff', 'Öztürk'],
  },
  {
    id: 2,
    iso2: 'FR',
    name: 'France',
    dial: '+33',
    cities: ['Orléans', 'Nîmes', 'Besançon', 'Paris'],
    first: ['Zoë', 'François', 'Agnès', 'Jean-Noël', 'Léa', 'Cédric'],
    last: ["L'Hôte", 'Lefèvre', 'de La Fontaine', 'Béranger', 'Nuñez', 'Œuvrard'],
  },
  {
    id: 3,
    iso2: 'PL',
    name: 'Poland',
    dial: '+48',
    cities: ['Łódź', 'Kraków', 'Gdańsk', 'Wrocław'],
    first: ['Łukasz', 'Małgorzata', 'Zbigniew', 'Żaneta', 'Wojciech', 'Agnieszka'],
    last: ['Wiśniewski', 'Dąbrowska', 'Żółkiewski', 'Kaczmarek', 'Brzęczyszczykiewicz', 'Nowak'],
  },
  {
    id: 4,
    iso2: 'IE',
    name: 'Ireland',
    dial: '+353',
    cities: ['Dublin', 'Dún Laoghaire', 'Cork', 'Galway'],
    first: ['Siobhán', 'Seán', 'Aoife', 'Pádraig', 'Mary', 'Brendan'],
    last: ["O'Brien", 'Ó Súilleabháin', 'McCarthy', 'Ní Dhomhnaill', 'Murphy', "D'Arcy"],
  },
  {
    id: 5,
    iso2: 'GR',
    name: 'Greece',
    dial: '+30',
    cities: ['Αθήνα', 'Θεσσαλονίκη', 'Πάτρα'],
    first: ['Γιώργος', 'Ελένη', 'Κωνσταντίνος', 'Μαρία'],
    last: ['Παπαδόπουλος', 'Νικολάου', 'Ιωάννου', 'Χατζής'],
  },
  {
    id: 6,
    iso2: 'JP',
    name: 'Japan',
    dial: '+81',
    cities: ['東京', '大阪市', '札幌市'],
    first: ['美咲', '翔太', 'さくら', '健一'],
    last: ['佐藤', '鈴木', '高橋', '渡辺'],
  },
  {
    id: 7,
    iso2: 'SA',
    name: 'Saudi Arabia',
    dial: '+966',
    cities: ['الرياض', 'جدة'],
    first: ['محمد', 'فاطمة', 'عبد الله', 'نورة'],
    last: ['العتيبي', 'الحربي', 'القحطاني'],
  },
  {
    id: 8,
    iso2: 'VN',
    name: 'Viet Nam',
    dial: '+84',
    cities: ['Hà Nội', 'Đà Nẵng', 'Huế'],
    first: ['Thị Hương', 'Văn Đức', 'Quỳnh', 'Ngọc Ánh'],
    last: ['Nguyễn', 'Trần', 'Đặng', 'Phạm'],
  },
  {
    id: 9,
    iso2: 'CI',
    name: "Côte d'Ivoire",
    dial: '+225',
    cities: ['Abidjan', 'Bouaké'],
    first: ['Aya', 'Kouassi', 'Adjoua', 'Yao'],
    last: ["N'Guessan", 'Koné', 'Traoré', 'Ouattara'],
  },
  {
    id: 10,
    iso2: 'US',
    name: 'United States',
    dial: '+1',
    cities: ['Springfield', "Coeur d'Alene", 'New York'],
    first: ['Jennifer', 'José', 'X Æ', 'LaToya', 'Bob', 'Robert Jr.'],
    last: ['Smith', 'Nguyen', 'Peña', 'Null', 'Van Buren', "O'Connor-Wright"],
  },
];

/** Latin-1 only, like the column they go into. */
export const companies = [
  'Bäckerei Groß & Söhne',
  'Café Olé',
  'ACME "Tools" Ltd.',
  'Smörgåsbord AB',
  'Null & Void',
  'Ñandú SA',
];

/** What the shop's staff typed about customers: emoji, line breaks, markup, backslashes. */
export const notes = [
  'Prefers delivery on Saturdays 📦',
  'Called twice.\nNobody answered.',
  'Pays late; <b>check first</b>',
  'VIP 👩‍👩‍👧 family, 𝒶𝓁𝓌𝒶𝓎𝓈 friendly',
  'Said: "don\'t call" \\ ever; 50% off',
  'Ü\ttab and trailing space ',
];
