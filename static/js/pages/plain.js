// Pages of words only: the theme button is all they need.

import { byId } from '../dom.js';
import { themeButton } from '../components/theme.js';

byId('tools').append(themeButton());
